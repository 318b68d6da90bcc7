"""How long after an answer a run goes on: waiting in its process, and suspended without one.

    python -m benchmarks.resume

Counts from the upload of the answer to the first stage of the correction. Targets: 1 s in the
process, 10 s deployed, where the watcher must judge the answer, the orchestrator must wake the run,
and a new process must import everything and find every finished stage again. Everything is real:
``parley up`` with its servers, a deployed run, the local store; the dataset is tiny. For the
servers of ``infra/`` there is ``python -m benchmarks.resume_servers``.
"""

import argparse
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import yaml
from PIL import Image

from benchmarks.report import write_result
from benchmarks.resume_servers import AFTER_REVIEW, resume_table
from feedback.bundle import ReviewBundle
from feedback.document import FeedbackDocument
from feedback.exchange import ReviewState, list_requests, submit
from feedback.publishing import load_bundle
from feedback.store import LocalStore

logger = logging.getLogger("benchmarks.resume")

PARLEY = (sys.executable, "-c", "from flows.cli import main; main()")
TINY = {
    "classifier": {"width": 0.125, "concept_layer": "layer2"},
    "training": {"image_size": 64, "epochs": 2, "batch_size": 8, "validation_share": 0.4},
    "distillation": {"seeds": 1, "epochs": 1},
    "promotion": {"n_bootstrap": 100},
    "review": {"reviewer": "inbox"},
    "channels": {
        "concept_graph": {
            "n_classes": 2,
            "workers": 1,
            "segments": {"n_segments": [9, 16]},
            "gate": {"enabled": False},
            "clusters": {"n_clusters": 4, "min_segments": 2, "n_exemplars": 3},
            "tcav": {"n_random": 3, "random_size": 8},
            "graph": {"n_concepts": 2},
            "reasoner": {"epochs": 3, "n_seeds": 1, "publish_anyway": True},
        }
    },
}


def write_images(root: Path) -> None:
    """Write three classes of coloured blocks, fourteen images each."""
    rng = np.random.default_rng(0)
    for class_id, name in enumerate(("blue", "green", "red")):
        for split, count in (("train", 10), ("test", 4)):
            for number in range(count):
                pixels = rng.integers(0, 90, (64, 64, 3), dtype=np.uint8)
                x, y = rng.integers(8, 32, 2)
                pixels[y : y + 20, x : x + 20, 2 - class_id] = 230
                path = root / split / name / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path)


def answer(store: LocalStore, bundle: ReviewBundle) -> float:
    """Hand in an approval without edits, and return when."""
    document = FeedbackDocument(
        request_id=bundle.request_id,
        bundle_sha256=bundle.digest,
        channel=bundle.channel,
        reviewer="ada",
        nonce="benchmark-01",
        verdict="approve",
        created_at=datetime.now(UTC),
    )
    moment = time.monotonic()
    submit(store, bundle.request_id, "ada", "benchmark-01", document.to_json())
    return moment


def in_process(folder: Path, data: Path) -> float:
    """Return the seconds that a run of ``parley run`` takes to go on."""
    home = folder / "here"
    home.mkdir()
    params = _params(home, data)
    command = (*PARLEY, "run", "--params", str(params), "--data", str(data))
    with _process(command, _environment(home), home / "log"):
        return _time(LocalStore(home / "store"), 300)


def deployed(folder: Path, data: Path) -> float:
    """Return the seconds that a suspended run of ``parley up`` takes to go on."""
    home = folder / "deployed"
    home.mkdir()
    params, ports = _params(home, data), [_free_port() for _ in range(3)]
    names = ("--prefect-port", "--mlflow-port", "--page-port")
    flags = [word for pair in zip(names, map(str, ports), strict=True) for word in pair]
    command = (*PARLEY, "up", "--params", str(params), *flags)
    api = f"http://127.0.0.1:{ports[0]}/api"
    with _process(command, _environment(home), home / "log"):
        _wait(lambda: "all is up" in (home / "log").read_text(), 400)
        found = _post(f"{api}/deployments/filter")
        run = next(one["id"] for one in found if one["name"].startswith("retrain"))
        made = _post(f"{api}/deployments/{run}/create_flow_run")
        state = f"{api}/flow_runs/{made['id']}"
        _wait(lambda: httpx.get(state, timeout=60).json()["state"]["type"] == "PAUSED", 400)
        # Its process is gone by now, and everything is as quiet as it stays for days.
        time.sleep(5)
        return _time(LocalStore(home / "store"), 120)


def _time(store: LocalStore, patience: float) -> float:
    _wait(lambda: len(list_requests(store, ReviewState.OPEN)) == 1, patience)
    (request,) = list_requests(store, ReviewState.OPEN)
    bundle = load_bundle(store, request.request_id)
    time.sleep(2)
    moment = answer(store, bundle)
    _wait(lambda: bool(store.list(AFTER_REVIEW)), patience)
    return time.monotonic() - moment


def _post(address: str) -> Any:
    """Ask the orchestrator, and again when it refuses: at times its database, a file, is locked."""
    for attempt in range(5):
        answered = httpx.post(address, json={}, timeout=60)
        if answered.is_success:
            return answered.json()
        logger.warning("%s: %d %s", address, answered.status_code, answered.text[:300])
        time.sleep(1 + attempt)
    raise httpx.HTTPStatusError(
        f"refused 5 times: {answered.text[:300]}", request=answered.request, response=answered
    )


def _params(home: Path, data: Path) -> Path:
    path = home / "params.yaml"
    path.write_text(yaml.safe_dump({**TINY, "data": str(data), "unversioned_data": "allow"}))
    return path


def _environment(home: Path) -> dict[str, str]:
    theirs = ("PREFECT", "PARLEY", "MLFLOW")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(filter(None, (os.getcwd(), kept.get("PYTHONPATH", "")))),
        "PARLEY_HOME": str(home),
        "PREFECT_HOME": str(home / "prefect"),
    }


@contextmanager
def _process(command: tuple[str, ...], env: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("ab") as out:
        started = subprocess.Popen(
            command, env=env, stdout=out, stderr=out, start_new_session=True, cwd=log.parent
        )
    try:
        yield
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)


def _wait(happened: Callable[[], bool], patience: float) -> None:
    until = time.monotonic() + patience
    while not happened():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {patience} s")
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    times: dict[str, list[float]] = {"in process": [], "deployed": []}
    for _ in range(asked.repeats):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "blocks"
            write_images(data)
            times["in process"].append(in_process(Path(folder), data))
            times["deployed"].append(deployed(Path(folder), data))
    write_result("resume", {**resume_table(times), "settings": vars(asked)})


if __name__ == "__main__":
    main()
