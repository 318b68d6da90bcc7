import os
import signal
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest

from feedback.errors import OrchestrationError
from flows import temporary_server as module
from flows.temporary_server import temporary_server

HOLD = """
import time
from flows.temporary_server import temporary_server

with temporary_server() as wait:
    wait()
    import os
    print(os.environ["PREFECT_API_URL"], flush=True)
    time.sleep(600)
"""


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """An environment in which no server is known."""
    from prefect.context import refresh_global_settings_context
    from prefect.settings import PREFECT_API_URL, temporary_settings

    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    refresh_global_settings_context()
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        yield
    refresh_global_settings_context()


def listening(address):
    url = urlsplit(address)
    with socket.socket() as probe:
        return probe.connect_ex((url.hostname, url.port)) == 0


@pytest.mark.slow
def test_the_server_ends_when_its_run_is_killed(tmp_path):
    env = {k: v for k, v in os.environ.items() if k != "PREFECT_API_URL"}
    env["PREFECT_HOME"] = str(tmp_path / "prefect")
    with subprocess.Popen([sys.executable, "-c", HOLD], env=env, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        address = run.stdout.readline().decode().strip()
        assert listening(address)
        run.send_signal(signal.SIGKILL)
        run.wait()
    until = time.monotonic() + 60
    while listening(address) and time.monotonic() < until:
        time.sleep(0.1)
    assert not listening(address)


def test_a_server_that_does_not_start_is_told_of_and_leaves_nothing_behind(alone, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with temporary_server() as wait:
        assert os.environ["PREFECT_API_URL"].startswith("http://127.0.0.1:")
        with pytest.raises(OrchestrationError, match="its end with 1"):
            wait()
    assert "PREFECT_API_URL" not in os.environ


def test_a_server_that_is_named_is_used_and_none_is_started(alone, monkeypatch):
    from prefect.settings import PREFECT_API_URL, temporary_settings

    def refuse(listening):
        raise AssertionError("a server was started")

    monkeypatch.setattr(module, "_spawn", refuse)
    with temporary_settings({PREFECT_API_URL: "http://somewhere/api"}), temporary_server() as wait:
        wait()
        assert PREFECT_API_URL.value() == "http://somewhere/api"
