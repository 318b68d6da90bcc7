"""Runs that gave up on a store that was away: started again when it is back, not for ever."""

import contextlib

import pytest
from prefect.states import Cancelled, Completed, Failed, Running

from feedback.errors import StoreAwayError, StoreError
from tasks import recovery
from tasks.liveness import DeadRun, find_dead
from tasks.recovery import MOST_RECOVERIES, recover_runs
from tests.tasks.reaping import RUN, Orchestrator, fail, killed, recover

__all__ = ["killed"]


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
