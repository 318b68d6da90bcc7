"""What orchestration, tracking and storage cost a run, apart from starting up.

    python -m benchmarks.overhead

Runs the demo flow twice into a fresh home. Overhead is the wall time between the start of the first
stage and the end of the flow that no stage computed in, plus the time that stages spent in the
object store. It is stated as a share of a run of ten minutes: the same run computing for longer
makes the same calls.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import spread, write_result
from feedback.objects import ObjectInfo, ObjectStore
from tasks.demo.render import render_demo
from tasks.settings import Settings, prepare_environment

TEN_MINUTES = 600.0


class TimedStore:
    """An object store that counts the seconds spent in it."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self.url = store.url
        self.seconds = 0.0

    def put(self, key: str, data: bytes) -> None:
        """Store bytes."""
        self._timed(self._store.put, key, data)

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Store bytes unless the key is taken."""
        return bool(self._timed(self._store.put_if_absent, key, data))

    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        """Return stored bytes."""
        return bytes(self._timed(self._store.get, key, max_bytes=max_bytes))

    def exists(self, key: str) -> bool:
        """Return whether the key is taken."""
        return bool(self._timed(self._store.exists, key))

    def delete(self, key: str) -> None:
        """Remove an object."""
        self._timed(self._store.delete, key)

    def list(self, prefix: str = "") -> Sequence[ObjectInfo]:
        """List objects."""
        found: Sequence[ObjectInfo] = self._timed(self._store.list, prefix)
        return found

    def folders(self, prefix: str) -> Sequence[str]:
        """List folders."""
        found: Sequence[str] = self._timed(self._store.folders, prefix)
        return found

    def _timed(self, call: Any, *args: Any, **kwargs: Any) -> Any:
        started = time.perf_counter()
        try:
            return call(*args, **kwargs)
        finally:
            self.seconds += time.perf_counter() - started


def measure(params_file: Path, data: Path) -> dict[str, float]:
    """Run the flow once into a fresh home and account for its seconds.

    Args:
        params_file: Parameters of the run.
        data: Dataset.
    """
    from flows.params import load_params
    from flows.retrain import retrain
    from tasks.artifacts import ArtifactStore
    from tasks.progress import ProgressEvent
    from tasks.workplace import open_workplace

    first: list[float] = []

    def listen(event: ProgressEvent) -> None:
        if event.state == "started" and not first:
            first.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), tracking_uri="")
        workplace = open_workplace(settings, listeners=(listen,))
        store = TimedStore(workplace.objects)
        workplace.artifacts = ArtifactStore(store)
        started = time.perf_counter()
        # One class after the other: what runs at the same time would be subtracted twice.
        params = load_params(params_file, (f"data={data}", "fan_out.workers=1"))
        retrain(params, workplace, "overhead")
        ended = time.perf_counter()
        computed = sum(result.seconds for result in workplace.results)
    outside = ended - first[0] - computed
    return {
        "start_seconds": first[0] - started,
        "wall_seconds": ended - first[0],
        "computed_seconds": computed,
        "outside_stages_seconds": outside,
        "store_seconds": store.seconds,
        "share_of_ten_minutes": (outside + store.seconds) / TEN_MINUTES,
    }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--data", type=Path, help="a dataset; the demo is rendered without one")
    parser.add_argument("--repeats", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        prepare_environment(Settings(home=Path(home)))
        data = asked.data or Path(home) / "data"
        if asked.data is None:
            render_demo(data, seed=0)
        found = [measure(asked.params, data) for _ in range(asked.repeats)]
    result = {name: spread([run[name] for run in found]) for name in found[0]}
    share = result["share_of_ten_minutes"]["median"]
    table = {
        "header": [
            "orchestration, tracking and storage",
            "seconds",
            "share of ten minutes",
            "target",
        ],
        "rows": [["demo run", f"{share * TEN_MINUTES:.1f}", f"{share:.1%}", "≤ 3 %"]],
    }
    write_result("overhead", {**result, "table": table, "settings": {"repeats": asked.repeats}})


if __name__ == "__main__":
    main()
