"""A home with a killed run, and an orchestrator that knows that run and nothing else."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest

from flows.deployed import retrain_deployed
from tasks import recovery
from tasks.attempts import HOST, STATE
from tasks.liveness import alive, find_dead
from tasks.recovery import recover_runs

RUN, HERE = str(UUID(int=7)), socket.gethostname()
HOLD = """
import sys, time
from pathlib import Path
from tasks.liveness import alive
with alive(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    time.sleep(600)
"""


class Orchestrator:
    """Knows one run; ``host`` is the one that named itself in the run's present state."""

    def __init__(self, state, host=HERE):
        self.state, self.host, self.set = state, host, []

    def read_flow_run(self, flow_run):
        if isinstance(self.state, Exception):
            raise self.state
        labels = {} if self.host is None else {HOST: self.host, STATE: str(self.state.id)}
        return SimpleNamespace(id=UUID(RUN), state=self.state, labels=labels)

    def read_flow_runs(self, *, flow_filter, flow_run_filter, **_):
        """Return the run if it is in the state that is asked for, as the server would."""
        assert flow_filter.name.any_ == [retrain_deployed.name]
        (wanted,) = flow_run_filter.state.type.any_
        if isinstance(self.state, Exception) or self.state.type is not wanted:
            return []
        return [self.read_flow_run(RUN)]

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


def recover(monkeypatch, home, state, host=HERE):
    server, pauses = Orchestrator(state, host), []
    monkeypatch.setattr(recovery, "orchestrator", lambda: contextlib.nullcontext(server))
    report = recover_runs(home, sleep=pauses.append)
    return report, server.set, pauses


def aged(state, seconds):
    return state.model_copy(update={"timestamp": datetime.now(UTC) - timedelta(seconds=seconds)})


def fail(home, error):
    with contextlib.suppress(type(error)), alive(home, RUN):
        raise error
