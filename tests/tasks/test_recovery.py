"""Runs whose process was killed: found by their lock, started again after a while, not for ever."""

import contextlib
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from prefect.exceptions import ObjectNotFound, Pause, TerminationSignal
from prefect.states import Completed, Crashed, Failed, Pending, Running

from feedback.errors import OrchestrationError
from tasks import recovery
from tasks.liveness import DeadRun, alive, find_dead
from tasks.recovery import MOST_RECOVERIES, START_SECONDS, recover_runs
from tests.tasks.reaping import RUN, Orchestrator, aged, killed, recover

__all__ = ["killed"]


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
    assert recover(monkeypatch, killed, Completed())[1:] == ([], [])


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


def test_a_run_that_runs_on_another_host_is_left_alone_though_it_died_here(monkeypatch, killed):
    assert recover(monkeypatch, killed, Running(), "elsewhere")[1:] == ([], [])
    assert recover(monkeypatch, killed, Running())[0].recovered == [RUN]


@pytest.mark.parametrize(("seconds", "is_dead"), [(10, False), (START_SECONDS + 5, True)])
def test_a_run_of_which_no_host_says_that_it_has_it_is_started_again_in_the_end(
    monkeypatch, tmp_path, seconds, is_dead
):
    """Killed with its worker after the server had it as running, before it named its host."""
    report, changed, _ = recover(monkeypatch, tmp_path, aged(Running(), seconds), None)
    assert (report.recovered, changed) == ([RUN] * is_dead, [(RUN, "SCHEDULED")] * is_dead)


@pytest.mark.parametrize(("deaths", "state"), [(0, "SCHEDULED"), (MOST_RECOVERIES, "FAILED")])
def test_a_reaper_that_dies_before_the_server_knows_leaves_that_to_the_next_one(
    monkeypatch, killed, deaths, state
):
    """Also when it is the one that gives the run up."""
    for _ in range(deaths):
        recover(monkeypatch, killed, Running())
    server = Orchestrator(Running())
    knows = server.set_flow_run_state

    def away(*args, **kwargs):
        raise httpx.ReadTimeout("slow")

    monkeypatch.setattr(recovery, "orchestrator", lambda: contextlib.nullcontext(server))
    for dies in (True, False):
        server.set_flow_run_state = away if dies else knows
        with contextlib.suppress(OrchestrationError):
            recover_runs(killed, sleep=lambda seconds: None)
    assert server.set == [(RUN, state)]


def test_an_orchestrator_that_is_away_is_told(monkeypatch, killed):
    with pytest.raises(OrchestrationError, match="then recover again"):
        recover(monkeypatch, killed, httpx.ConnectError("refused"))
    assert find_dead(killed) == [DeadRun(RUN, 0)]


def test_a_killed_run_that_then_failed_is_left_alone(monkeypatch, killed):
    assert recover(monkeypatch, killed, Failed())[1] == []
    assert find_dead(killed) == []


@pytest.mark.parametrize(
    ("made", "seconds", "is_recovered"),
    [
        (Pending, 10, False),
        (Pending, START_SECONDS + 5, True),
        (Crashed, 10, True),
        (Crashed, 7200, False),
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
