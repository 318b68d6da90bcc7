"""``parley run`` as a process of its own, under a home of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.shapes import tiny_overrides

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0


class Command:
    """``parley run`` on a dataset with the settings of a tiny run.

    Attributes:
        home: Folder of everything that it leaves behind.
        report: Where it writes its report.
    """

    def __init__(self, home, data, *, environment=None, **changes):
        self.home, self.report = home, home.with_name(f"{home.name}.json")
        flags = [flag for value in tiny_overrides(**changes) for flag in ("--set", value)]
        self._line = [sys.executable, "-c", "from flows.cli import main; main()", "run", *flags]
        self._line += ["--data", str(data), "--report", str(self.report)]
        self._environment = os.environ | {
            "PARLEY_HOME": str(home),
            "PREFECT_HOME": str(home / "prefect"),
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
        }
        self._environment |= environment or {}

    def start(self):
        return subprocess.Popen(
            self._line,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait_until(self, happened, process):
        """Look every few milliseconds whether something happened while the process lives."""
        started = time.monotonic()
        while not happened():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() - started < PATIENCE
            time.sleep(0.002)

    def kill_when(self, happened):
        """Start, wait until something happened, and kill the process with all it started."""
        process = self.start()
        self.wait_until(happened, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)

    def finish(self):
        """Run to the end and return the report and all that was printed."""
        process = self.start()
        output, error = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, output + error
        return json.loads(self.report.read_text()), output + error

    def checkpoints(self):
        """Epochs of which a checkpoint lies there now, and the time at which each was written."""
        found = {}
        for path in self.home.glob("work/*/epoch-*.safetensors"):
            try:
                found[int(path.name[6:12])] = path.stat().st_mtime_ns
            except FileNotFoundError:  # replaced by a newer one since the folder was read
                continue
        return found

    def record(self, stage):
        """The record of the one finished run of a stage, or None."""
        found = list(self.home.glob(f"store/stages/{stage}/*.json"))
        return json.loads(found[0].read_text()) if found else None


@pytest.fixture
def command(tmp_path, shapes_dir):
    """Make a command under a home of that name."""

    def make(name="home", **changes):
        return Command(tmp_path / name, shapes_dir, **changes)

    return make
