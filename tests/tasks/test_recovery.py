"""Runs whose process was killed: found by their lock, started again after a while, not for ever."""

import contextlib
import os
import signal
import subprocess
import sys
from types import SimpleNamespace
from uuid import UUID

import httpx
import pytest
from prefect.exceptions import ObjectNotFound, Pause, TerminationSignal
from prefect.states import Cancelled, Completed, Crashed, Failed, Pending, Running

from feedback.errors import OrchestrationError, StoreAwayError, StoreError
from tasks import recovery
from tasks.liveness import DeadRun, alive, find_dead
from tasks.recovery import MOST_RECOVERIES, recover_runs

RUN = str(UUID(int=7))
HOLD = """
import sys, time
from pathlib import Path
from tasks.liveness import alive
with alive(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    time.sleep(600)
"""


class Orchestrator:
    def __init__(self, state):
        self.state, self.set = state, []

    def read_flow_run(self, flow_run):
        if isinstance(self.state, Exception):
            raise self.state
        return SimpleNamespace(state=self.state)

    def set_flow_run_state(self, flow_run, state, *, force):
        assert force
        self.set.append((str(flow_run), state.type.value))


@pytest.fixture
def killed(tmp_path):
    """A home in which a run's process holds its lock, and then is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), RUN], stdout=subprocess.PIPE, env=os.environ
    )
    assert process.stdout.readline() == b"held\n"
    assert find_dead(tmp_path) == []
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    process.stdout.close()
    return tmp_path


def recover(monkeypatch, home, state):
    server, pauses = Orchestrator(state), []
    monkeypatch.setattr(recovery, "orchestrator", lambda: contextlib.nullcontext(server))
    report = recover_runs(home, sleep=pauses.append)
    return report, server.set, pauses


@pytest.mark.parametrize(("state", "ending"), [(Running(), ValueError), (Crashed(), Pause)])
def test_a_killed_run_is_started_again_after_its_runner_had_time_to_mark_it(
    monkeypatch, killed, state, ending
):
    report, changed, pauses = recover(monkeypatch, killed, state)
    assert (report.recovered, changed) == ([RUN], [(RUN, "SCHEDULED")])
    assert pauses == [10.0]
    assert find_dead(killed) == [DeadRun(RUN, 1)]
    # Its new process takes the note over, and removes it when it ends by itself.
    with contextlib.suppress(ending), alive(killed, RUN):
        assert find_dead(killed) == []
        raise ending
    assert recover(monkeypatch, killed, Running())[1:] == ([], [])


def test_a_run_whose_process_is_told_to_end_is_started_again(monkeypatch, tmp_path):
    with contextlib.suppress(TerminationSignal), alive(tmp_path, RUN):
        raise TerminationSignal(signal.SIGTERM)
    assert recover(monkeypatch, tmp_path, Crashed())[0].recovered == [RUN]


def test_a_run_that_always_dies_is_given_up(monkeypatch, killed):
    for _ in range(MOST_RECOVERIES):
        assert recover(monkeypatch, killed, Crashed())[0].recovered == [RUN]
    report, changed, _ = recover(monkeypatch, killed, Crashed())
    assert (report.given_up, changed) == ([RUN], [])
    assert find_dead(killed) == []


@pytest.mark.parametrize(
    ("state", "is_kept"),
    [(Completed(), False), (ObjectNotFound(Exception()), False), (Pending(), True)],
)
def test_a_run_that_ended_or_starts_anyway_is_left_alone(monkeypatch, killed, state, is_kept):
    report, changed, _ = recover(monkeypatch, killed, state)
    assert (report.recovered, changed) == ([], [])
    assert bool(find_dead(killed)) is is_kept


def test_runs_of_other_hosts_are_not_judged(monkeypatch, killed):
    note = killed / "running" / f"{RUN}.json"
    note.write_text('{"host": "elsewhere", "recovered": 0}')
    assert recover(monkeypatch, killed, Running())[1:] == ([], [])


def test_an_orchestrator_that_is_away_is_told(monkeypatch, killed):
    with pytest.raises(OrchestrationError, match="then recover again"):
        recover(monkeypatch, killed, httpx.ConnectError("refused"))
    assert find_dead(killed) == [DeadRun(RUN, 0)]


def fail(home, error):
    with contextlib.suppress(type(error)), alive(home, RUN):
        raise error


@pytest.mark.parametrize("state", [Failed(), Running()])
def test_a_run_that_gave_up_on_a_store_that_was_away_is_started_again(monkeypatch, tmp_path, state):
    fail(tmp_path, StoreAwayError("away"))
    assert find_dead(tmp_path) == [DeadRun(RUN, 0, gave_up=True)]
    report, changed, _ = recover(monkeypatch, tmp_path, state)
    assert (report.recovered, changed) == ([RUN], [(RUN, "SCHEDULED")])
    # It may find the store away once more while it opens it, before it holds its lock.
    assert recover(monkeypatch, tmp_path, Failed())[0].recovered == [RUN]


def test_a_run_that_always_finds_the_store_away_is_given_up(monkeypatch, tmp_path):
    for _ in range(MOST_RECOVERIES):
        fail(tmp_path, StoreAwayError("away"))
        assert recover(monkeypatch, tmp_path, Failed())[0].recovered == [RUN]
    fail(tmp_path, StoreAwayError("away"))
    assert recover(monkeypatch, tmp_path, Failed())[0].given_up == [RUN]
    assert find_dead(tmp_path) == []


def test_a_run_that_the_store_refused_is_not_started_again(monkeypatch, tmp_path):
    fail(tmp_path, StoreAwayError("away"))
    recover(monkeypatch, tmp_path, Failed())
    fail(tmp_path, StoreError("AccessDenied"))
    assert find_dead(tmp_path) == []


def test_a_run_that_gave_up_and_was_cancelled_is_left_alone(monkeypatch, tmp_path):
    fail(tmp_path, StoreAwayError("away"))
    assert recover(monkeypatch, tmp_path, Cancelled())[1] == []
    assert find_dead(tmp_path) == []


def test_a_killed_run_that_then_failed_is_left_alone(monkeypatch, killed):
    assert recover(monkeypatch, killed, Failed())[1] == []
    assert find_dead(killed) == []


def test_nothing_is_started_again_while_the_store_is_away(monkeypatch, killed):
    def away():
        raise StoreAwayError("away")

    with pytest.raises(StoreAwayError):
        recover_runs(killed, check=away, sleep=lambda seconds: None)
    assert find_dead(killed) == [DeadRun(RUN, 0)]
    (killed / "running" / f"{RUN}.json").unlink()
    # Without anything to recover the store is not even asked.
    assert recover_runs(killed, check=away).recovered == []
