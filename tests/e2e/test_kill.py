"""A run that is killed at any moment goes on from there when the same command is given again."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.shapes import tiny_overrides

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(240)]
EPOCHS = 12
PATIENCE = 90.0


class Command:
    """``parley run`` on the shapes, as a process of its own under one home."""

    def __init__(self, home, data):
        self.home, self.report = home, home / "report.json"
        flags = [
            flag
            for value in tiny_overrides(training__epochs=str(EPOCHS))
            for flag in ("--set", value)
        ]
        self._line = [sys.executable, "-c", "from flows.cli import main; main()", "run", *flags]
        self._line += ["--data", str(data), "--report", str(self.report)]
        self._environment = os.environ | {
            "PARLEY_HOME": str(home),
            "PREFECT_HOME": str(home / "prefect"),
            "OMP_NUM_THREADS": "1",
        }
        home.mkdir()

    def start(self):
        return subprocess.Popen(
            self._line,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def kill_when(self, happened):
        """Start, wait until something happened, and kill the process with all it started."""
        process = self.start()
        started = time.monotonic()
        while not happened():
            assert process.poll() is None, process.stdout.read().decode()
            assert time.monotonic() - started < PATIENCE
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
        process.stdout.close()

    def finish(self):
        process = self.start()
        output, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, output.decode()
        return json.loads(self.report.read_text())

    def epochs_done(self):
        found = self.home.glob("work/*/epoch-*.safetensors")
        return max((int(path.name[6:12]) for path in found), default=0)

    def records(self, stage):
        return list(self.home.glob(f"store/stages/{stage}/*.json"))


def test_killed_runs_go_on_from_where_they_were(tmp_path, shapes_dir):
    command = Command(tmp_path / "home", shapes_dir)
    # In the middle of an epoch, after some were kept.
    command.kill_when(lambda: command.epochs_done() >= 2)
    assert command.records("train_classifier") == []
    resumed_from = command.epochs_done()
    # The next process must not start from the first epoch: the oldest checkpoint tells.
    command.kill_when(lambda: command.records("predict"))
    (trained,) = command.records("train_classifier")
    history = json.loads(trained.read_text())["outputs"]["history"]["uri"]
    rows = json.loads((command.home / "store" / history).read_text())
    assert [row["epoch"] for row in rows] == list(range(1, EPOCHS + 1))
    assert resumed_from >= 2
    command.kill_when(lambda: command.records("distil"))
    assert not command.report.exists()
    report = command.finish()
    reused = {stage["name"] for stage in report["stages"] if stage["reused"]}
    assert {"train_classifier", "predict", "mine_concepts", "fit_teacher", "distil"} <= reused
    assert report["model"]["version"] == "2"
    assert not list(command.home.glob("work/*/epoch-*"))
