"""Runs whose process was killed: found by their lock, started again after a while, not for ever."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import httpx
import pytest
from prefect.exceptions import ObjectNotFound, Pause, TerminationSignal
from prefect.states import Cancelled, Completed, Crashed, Failed, Pending, Running

from feedback.errors import OrchestrationError, StoreAwayError, StoreError
from flows.deployed import retrain_deployed
from tasks import recovery
from tasks.liveness import DeadRun, alive, find_dead
from tasks.recovery import MOST_RECOVERIES, START_SECONDS, recover_runs

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

    def read_flow_runs(self, *, flow_filter, flow_run_filter, **_):
        """Return the run if it is in the state that is asked for, as the server would."""
        assert flow_filter.name.any_ == [retrain_deployed.name]
        (wanted,) = flow_run_filter.state.type.any_
        if isinstance(self.state, Exception) or self.state.type is not wanted:
            return []
        return [SimpleNamespace(id=UUID(RUN), state=self.state)]

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
    assert find_dead(killed) == [DeadRun(RUN, 1, handed_back=True)]
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
    # It ends for the server too, or it would be running there for ever.
    assert (report.given_up, changed) == ([RUN], [(RUN, "FAILED")])
    assert find_dead(killed) == []
    assert recover(monkeypatch, killed, Failed())[1] == []


@pytest.mark.parametrize(
    ("state", "is_kept"),
    [(Completed(), False), (ObjectNotFound(Exception()), False), (None, True)],
)
def test_a_run_that_ended_or_starts_anyway_is_left_alone(monkeypatch, killed, state, is_kept):
    # None: it is about to start, at this very moment.
    report, changed, _ = recover(monkeypatch, killed, state or Pending())
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

    server = Orchestrator(Running())
    monkeypatch.setattr(recovery, "orchestrator", lambda: contextlib.nullcontext(server))
    with pytest.raises(StoreAwayError):
        recover_runs(killed, check=away, sleep=lambda seconds: None)
    assert find_dead(killed) == [DeadRun(RUN, 0)]
    (killed / "running" / f"{RUN}.json").unlink()
    # Without anything to recover the store is not even asked.
    server.state = Completed()
    assert recover_runs(killed, check=away).recovered == []


def aged(state, seconds):
    return state.model_copy(update={"timestamp": datetime.now(UTC) - timedelta(seconds=seconds)})


@pytest.mark.parametrize(
    ("made", "seconds", "is_recovered"),
    [
        (Pending, 10, False),
        (Pending, START_SECONDS + 5, True),
        (Crashed, 10, True),
        (Crashed, 7200, False),
        (Running, 7200, False),
        (Failed, 10, False),
    ],
)
def test_a_run_that_was_killed_before_it_noted_itself_is_started_again(
    monkeypatch, tmp_path, made, seconds, is_recovered
):
    report, changed, _ = recover(monkeypatch, tmp_path, aged(made(), seconds))
    assert report.recovered == [RUN] * is_recovered
    assert changed == [(RUN, "SCHEDULED")] * is_recovered


def test_a_run_that_never_comes_to_note_itself_is_given_up(monkeypatch, tmp_path):
    for _ in range(MOST_RECOVERIES):
        assert recover(monkeypatch, tmp_path, Crashed())[0].recovered == [RUN]
    assert recover(monkeypatch, tmp_path, Crashed())[0].given_up == [RUN]


def test_deaths_before_a_run_went_forward_do_not_count(monkeypatch, tmp_path):
    for _ in range(2 * MOST_RECOVERIES):
        with contextlib.suppress(TerminationSignal), alive(tmp_path, RUN) as went_forward:
            went_forward()
            raise TerminationSignal(signal.SIGKILL)
        assert recover(monkeypatch, tmp_path, Crashed())[0].recovered == [RUN]


def test_a_run_that_is_alive_here_is_left_alone_whatever_the_server_thinks(monkeypatch, tmp_path):
    with alive(tmp_path, RUN):
        for state in (Crashed(), aged(Pending(), 2 * START_SECONDS), Running()):
            assert recover(monkeypatch, tmp_path, state)[1:] == ([], [])


def test_a_run_that_was_handed_back_and_runs_elsewhere_is_left_alone(monkeypatch, killed):
    assert recover(monkeypatch, killed, Running())[0].recovered == [RUN]
    # Its lock may be held on another host: nobody held it here since.
    assert recover(monkeypatch, killed, Running())[1:] == ([], [10.0])
    assert recover(monkeypatch, killed, Completed())[1] == []
    assert find_dead(killed) == []


def test_a_run_that_another_reaper_started_meanwhile_is_left_alone(monkeypatch, killed):
    server = Orchestrator(Running())
    monkeypatch.setattr(recovery, "orchestrator", lambda: contextlib.nullcontext(server))

    def other_reaper(seconds):
        server.state = Running()

    assert recover_runs(killed, sleep=other_reaper).recovered == []
    assert server.set == []


def test_two_reapers_at_once_start_a_run_once(monkeypatch, killed):
    server, both_saw_it = Orchestrator(Crashed()), threading.Barrier(2)
    scheduled = server.set_flow_run_state

    def slowly(flow_run, state, *, force):
        time.sleep(0.3)
        scheduled(flow_run, state, force=force)
        server.state = state

    server.set_flow_run_state = slowly
    monkeypatch.setattr(recovery, "orchestrator", lambda: contextlib.nullcontext(server))
    with ThreadPoolExecutor(2) as pool:
        looks = [
            pool.submit(recover_runs, killed, sleep=lambda _: both_saw_it.wait(30))
            for _ in range(2)
        ]
    assert sorted(look.result().recovered for look in looks) == [[], [RUN]]
    assert server.set == [(RUN, "SCHEDULED")]
    assert find_dead(killed) == [DeadRun(RUN, 1, handed_back=True)]
