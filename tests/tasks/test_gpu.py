"""One task at a time has the GPU of a host: shown by processes that are told they have one."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from feedback.errors import StoreError
from tasks import device
from tasks.gpu import gpu_turn
from tasks.stage import Work, stage
from tests.e2e.servers import ROOT, environment, wait_for

PROGRAM = """
import logging, sys, time
from pathlib import Path
import torch
from tasks import device
from tasks.settings import Settings
from tasks.stage import Work, stage
from tasks.workplace import open_workplace

kind, name, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
logging.basicConfig(stream=sys.stdout, format="%(message)s", force=True)
device.best_device = lambda: torch.device(kind)

def work_long(work: Work) -> dict:
    assert work.device().type == work.device().type == kind
    (folder / f"{name}.working").touch()
    while not (folder / f"{name}.go").exists():
        time.sleep(0.02)
    return {}

work_long.__module__ = "tasks.device"  # a stage's key needs a module with a source
stage(name, version=1)(work_long)(open_workplace(Settings()))
"""


@pytest.fixture
def start(tmp_path):
    """Start a process whose only stage works until it is told to end."""
    started = []

    def begin(name, kind="cuda"):
        log = (tmp_path / f"{name}.log").open("wb")
        command = (sys.executable, "-u", "-c", PROGRAM, kind, name, str(tmp_path))
        env = environment(tmp_path / "home")
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=ROOT)
        log.close()
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait(30)


def is_there(path: Path):
    wait_for(path.exists, 40, str(path))


@pytest.mark.slow
def test_a_second_process_says_that_it_waits_and_goes_on_when_the_first_was_killed(start, tmp_path):
    first = start("first")
    is_there(tmp_path / "first.working")
    second = start("second")
    log = tmp_path / "second.log"
    wait_for(lambda: "waiting" in log.read_text(), 60, "the second to wait")
    assert log.read_text() == (
        f"second: the GPU is taken by first of process {first.pid}; waiting\n"
    )
    assert not (tmp_path / "second.working").exists()
    first.send_signal(signal.SIGKILL)
    is_there(tmp_path / "second.working")
    (tmp_path / "second.go").touch()
    assert second.wait(60) == 0


@pytest.mark.slow
def test_processes_without_a_gpu_do_not_wait_for_each_other(start, tmp_path):
    for name in ("first", "second"):
        start(name, "cpu")
    for name in ("first", "second"):
        is_there(tmp_path / f"{name}.working")
    assert not (tmp_path / "home" / "gpu.lock").exists()


@stage("ask_twice", version=1)
def ask_twice(work: Work, *, number: int) -> dict:
    return {"devices": [work.device().type, work.device().type]}


def test_a_stage_takes_the_gpu_once_and_the_next_stage_takes_it_again(workplace, monkeypatch):
    monkeypatch.setattr(device, "best_device", lambda: torch.device("cuda"))
    for number in (1, 2):
        assert ask_twice(workplace, number=number).facts == {"devices": ["cuda", "cuda"]}
    with gpu_turn(workplace.settings.home, "a test", pytest.fail):
        pass


def test_a_lock_that_cannot_be_written_names_the_folder(tmp_path):
    (tmp_path / "file").touch()
    turn = gpu_turn(tmp_path / "file", "a test", pytest.fail)
    with pytest.raises(StoreError, match="PARLEY_HOME"), turn:
        pass
