"""Waking runs: only whose request is decided, again when it failed, never more than a wake-up."""

import contextlib
from types import SimpleNamespace
from uuid import UUID

import httpx
import pytest
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed, Pending, Running, Suspended

from feedback.errors import AccessDeniedError, StoreAwayError
from feedback.parking import ParkedRun, list_parked, park
from tasks import waking
from tasks.waking import wake_runs
from tests.feedback.memory import MemoryStore

RUNS = [ParkedRun(f"r-{n}", str(UUID(int=n))) for n in range(4)]


class Orchestrator:
    """Flow runs by id, with states or errors; resuming answers as told."""

    def __init__(self, **states):
        self.states = {RUNS[int(name[1:])].flow_run: state for name, state in states.items()}
        self.resumed, self.answers = [], []

    def read_flow_run(self, flow_run):
        state = self.states[str(flow_run)]
        if isinstance(state, Exception):
            raise state
        return SimpleNamespace(state=state)

    def resume_flow_run(self, flow_run):
        self.resumed.append(str(flow_run))
        return SimpleNamespace(
            status=self.answers.pop(0) if self.answers else SetStateStatus.ACCEPT
        )


@pytest.fixture
def store():
    made = MemoryStore()
    for run in RUNS:
        park(made, run)
    return made


def wake(monkeypatch, store, orchestrator, decided):
    monkeypatch.setattr(waking, "orchestrator", lambda: contextlib.nullcontext(orchestrator))
    return wake_runs(store, decided)


def test_only_suspended_runs_of_decided_requests_are_woken(monkeypatch, store):
    prefect = Orchestrator(
        r0=Suspended(), r1=Running(), r2=Completed(), r3=ObjectNotFound(Exception())
    )
    report = wake(monkeypatch, store, prefect, {"r-0", "r-1", "r-2", "r-3"})
    assert prefect.resumed == [RUNS[0].flow_run]
    assert (report.woken, report.failed) == ([RUNS[0]], [])
    # Ended and deleted runs are forgotten; the others take their notes away themselves.
    assert list(list_parked(store)) == RUNS[:2]
    assert wake(monkeypatch, store, Orchestrator(), {"r-9"}).woken == []


def test_a_note_that_may_not_be_taken_away_keeps_nobody_else_waiting(monkeypatch, store):
    prefect = Orchestrator(r0=Completed(), r1=ObjectNotFound(Exception()), r2=Suspended())
    away, deleted = [], store.delete

    def denied(key):
        if away:
            raise StoreAwayError("the store is away")
        raise AccessDeniedError(f"expected to delete {key} (got AccessDenied); see the policy")

    monkeypatch.setattr(store, "delete", denied)
    report = wake(monkeypatch, store, prefect, {"r-0", "r-1", "r-2"})
    assert report.woken == [RUNS[2]]
    assert [run for run, _ in report.failed] == RUNS[:2]
    assert "AccessDenied" in report.failed[0][1]
    # A store that does not answer is everybody's, and the whole look is made again.
    away.append(True)
    with pytest.raises(StoreAwayError):
        wake(monkeypatch, store, prefect, {"r-0"})
    monkeypatch.setattr(store, "delete", deleted)
    assert wake(monkeypatch, store, prefect, {"r-0", "r-1"}).failed == []
    assert list(list_parked(store)) == RUNS[2:]


def test_a_wake_up_that_fails_is_tried_at_the_next_look(monkeypatch, store):
    prefect = Orchestrator(r0=Suspended(), r1=httpx.ConnectError("refused"))
    prefect.answers = [SetStateStatus.REJECT]
    report = wake(monkeypatch, store, prefect, {"r-0", "r-1"})
    assert [run for run, _ in report.failed] == RUNS[:2]
    assert "REJECT" in report.failed[0][1]
    prefect.states[RUNS[1].flow_run] = Pending()
    assert wake(monkeypatch, store, prefect, {"r-0", "r-1"}).woken == [RUNS[0]]
    assert len(list_parked(store)) == 4


def test_without_an_orchestrator_s_address_no_server_is_started(monkeypatch, store):
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        report = wake_runs(store, {"r-0"})
    assert [run for run, _ in report.failed] == RUNS[:1]
    assert "PREFECT_API_URL" in report.failed[0][1]


def test_a_note_that_names_no_run_wakes_nothing(store):
    store.put("waiting/r-0/evil.json", b"{}")
    store.put("waiting/evil.json", b"{}")
    assert list(list_parked(store)) == RUNS
    with pytest.raises(ValueError, match="UUID"):
        park(store, ParkedRun("r-0", "../../x"))
