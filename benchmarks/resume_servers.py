"""The same wait as in ``resume``, on the servers that ``infra/`` describes.

    python -m benchmarks.resume_servers

PostgreSQL, an S3 gateway, a Prefect server with a worker, MLflow with passwords, and a watcher that
looks as often as the one of ``infra/prefect.yaml``; each is a process with rights of its own.
Needs PostgreSQL and Ceph's gateway (Debian: ``postgresql radosgw ceph-mon ceph-osd ceph-common``).
"""

import argparse
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import spread, write_result
from feedback.exchange import ReviewState, list_requests, load_bundle
from tests.e2e.people import Visitor
from tests.e2e.servers import wait_for
from tests.e2e.topology import HEADER, PROMOTED, Topology, topology
from tests.shapes import tiny_overrides, write_shapes

AFTER_REVIEW = "stages/edit_graphs/"
"""Where the first stage of the correction leaves its record."""
QUIET_SECONDS = 5.0


def on_servers(repeats: int) -> list[float]:
    """Return the seconds from an answer handed in at the page to a corrected graph, one a run."""
    with tempfile.TemporaryDirectory() as folder:
        shapes = write_shapes(Path(folder) / "shapes")
        with topology(Path(folder) / "town", shapes) as town:
            for name in ("retrain", "watch", "preview", "recover"):
                town.prefect.change(name, paused=True)
            for name in ("worker", "watcher", "page"):
                town.start(name)
            town.await_server("page")
            return [_one(town, seed) for seed in range(repeats)]


def _one(town: Topology, seed: int) -> float:
    run = town.prefect.start(
        "retrain",
        params_file=str(town.folder / "params.yaml"),
        overrides=[
            *tiny_overrides(**PROMOTED | {"distillation__epochs": "1"}),
            f"review.policy={town.folder / 'policy.yaml'}",
            f"seed={seed}",
        ],
        force=True,
    )
    town.prefect.wait_for_state(run, "PAUSED")
    store = town.store()
    (request,) = list_requests(store, ReviewState.OPEN)
    bundle = load_bundle(store, request.request_id)
    before = len(store.list(AFTER_REVIEW))
    ada = Visitor("ada", store, town.page_url, HEADER)
    time.sleep(QUIET_SECONDS)
    moment = time.monotonic()
    ada.hand_in(bundle, "approve")
    wait_for(lambda: len(store.list(AFTER_REVIEW)) > before, 300, town.told("worker"))
    took = time.monotonic() - moment
    town.prefect.wait_for_state(run, "COMPLETED")
    return took


def resume_table(times: Mapping[str, list[float]]) -> dict[str, Any]:
    """Summarise seconds by how a run waited, and put them into the README's table."""
    result: dict[str, Any] = {name: spread(values) for name, values in times.items()}
    rows = [
        [
            name,
            f"{found['median']:.1f} s",
            f"{found['max']:.1f} s",
            "≤ 1 s" if name == "in process" else "≤ 10 s",
        ]
        for name, found in result.items()
    ]
    header = ["answer uploaded to run going on", "median", "slowest", "target"]
    return {**result, "table": {"header": header, "rows": rows}}


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    times = {"deployed, PostgreSQL and S3": on_servers(asked.repeats)}
    write_result("resume_servers", {**resume_table(times), "settings": vars(asked)})


if __name__ == "__main__":
    main()
