"""Which host computes a run, as a real Prefect server tells it to reapers of all hosts."""

import socket

import httpx
import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.states import Running

from feedback.errors import OrchestrationError
from tasks import attempts
from tasks.attempts import claim_attempt, host_of
from tasks.recovery import FLOW, recover_runs

pytestmark = pytest.mark.slow


@flow(name=FLOW)
def named_as_those_that_are_recovered():
    """Be known to the server; its runs are set by hand."""


@pytest.fixture
def started(prefect_server):
    """A run that the server has as running."""
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(named_as_those_that_are_recovered)
        client.set_flow_run_state(run.id, Running(), force=True)
        yield client, run.id


def recovered(home):
    return recover_runs(home, settle_seconds=0).recovered


def test_a_run_is_of_the_host_that_named_itself_in_its_present_state(started, tmp_path):
    client, run = started
    assert host_of(client.read_flow_run(run)) is None
    claim_attempt(str(run))
    assert host_of(client.read_flow_run(run)) == socket.gethostname()
    # Nobody holds its lock, so its process was killed.
    assert str(run) in recovered(tmp_path)
    assert client.read_flow_run(run).state.name == "Recovered"
    # It runs once more, and its new process has not said where.
    client.set_flow_run_state(run, Running(), force=True)
    assert host_of(client.read_flow_run(run)) is None
    assert str(run) not in recovered(tmp_path)


def test_a_run_of_another_host_is_left_to_it(started, tmp_path, monkeypatch):
    client, run = started
    with monkeypatch.context() as patch:
        patch.setattr(socket, "gethostname", lambda: "elsewhere")
        claim_attempt(str(run))
    assert host_of(client.read_flow_run(run)) == "elsewhere"
    assert str(run) not in recovered(tmp_path)


def test_a_run_waits_for_a_server_that_is_away_and_says_so_in_the_end(started, monkeypatch):
    client, run = started
    pauses = []

    def away():
        if len(pauses) < 3:
            raise httpx.ConnectError("refused")
        return client

    monkeypatch.setattr(attempts, "orchestrator", away)
    with monkeypatch.context() as patch:
        patch.setattr(attempts, "PATIENCE_SECONDS", -1.0)
        with pytest.raises(OrchestrationError, match="then `parley recover`"):
            claim_attempt(str(run), sleep=pauses.append)
    claim_attempt(str(run), sleep=pauses.append)
    assert len(pauses) == 3
