"""Services are restarted when they die, and all of them end together, whatever they started."""

import os
import sys
import threading
import time

import pytest

from feedback.errors import OrchestrationError
from flows.health import HUNG_SECONDS, HealthWatch, answers
from flows.supervisor import GRACE_SECONDS, Service, Supervisor
from tests.e2e.servers import free_port, wait_for

FOREVER = "import time; time.sleep(600)"
SERVE = """
import http.server as web, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[2], "w").write(str(child.pid))
web.HTTPServer(("127.0.0.1", int(sys.argv[1])), web.SimpleHTTPRequestHandler).serve_forever()
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(600)
"""


def service(name, code, *arguments, **more):
    return Service(name, (sys.executable, "-c", code, *map(str, arguments)), os.environ, **more)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def told():
    return []


@pytest.fixture
def supervisor(tmp_path, told):
    made = Supervisor(tmp_path / "logs", told=told.append, patience=60)
    yield made
    made.stop()


def test_a_service_is_waited_for_and_ends_with_what_it_started(supervisor, tmp_path, told):
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    supervisor.start(
        [service("web", SERVE, port, tmp_path / "pid", health=address, port=port, page=address)]
    )
    assert told == [f"web is up at {address}"]
    child = int((tmp_path / "pid").read_text())
    assert is_alive(child)
    supervisor.stop()
    wait_for(lambda: not is_alive(child), 20, "the child to end")


def test_what_dies_is_started_again_after_a_pause_that_grows(tmp_path, told):
    now = [0.0]
    supervisor = Supervisor(tmp_path, told=told.append, clock=lambda: now[0])
    supervisor.start([service("short", "raise SystemExit(3)")])

    def ended():
        return supervisor._running["short"].process.poll() is not None

    for _ in range(3):
        wait_for(ended, 30, "it to end")
        supervisor.tend()
        now[0] += 10
        supervisor.tend()
    assert told[1:] == [
        "short ended with 3; starting it again in 1 s",
        "short ended with 3; starting it again in 2 s",
        "short ended with 3; starting it again in 4 s",
    ]
    supervisor.stop()


def test_a_taken_port_is_told_before_anything_is_started(supervisor):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OrchestrationError, match=f"port {port}.*choose with --web-port"):
            supervisor.start([service("web", FOREVER, port=port)])


def test_a_service_that_cannot_start_is_named_with_its_log(supervisor, tmp_path):
    with pytest.raises(OrchestrationError, match=r"expected web to start .*web\.log"):
        supervisor.start([service("web", "raise SystemExit(1)", health="http://127.0.0.1:9/")])


def test_what_ignores_the_request_to_end_is_killed(supervisor, tmp_path, told, monkeypatch):
    monkeypatch.setattr("flows.supervisor.GRACE_SECONDS", 0.2)
    assert GRACE_SECONDS > 1
    supervisor.start([service("mule", STUBBORN)])
    log = tmp_path / "logs" / "mule.log"
    wait_for(lambda: log.read_text() == "ready\n", 30, "the mule")
    pid = supervisor._running["mule"].process.pid
    supervisor.stop()
    assert not is_alive(pid)
    assert "mule does not end by itself; killing it" in told


def test_keeping_ends_when_asked(supervisor):
    supervisor.start([service("long", FOREVER)])
    keeping = threading.Thread(target=supervisor.keep, kwargs={"pause": 0.01})
    keeping.start()
    time.sleep(0.05)
    supervisor.ask_to_stop()
    keeping.join(10)
    assert not keeping.is_alive()


def test_what_hangs_is_ended_and_started_again(tmp_path, told):
    port, well, now = free_port(), [True], [0.0]
    health = HealthWatch(ask=lambda *_: well[0], clock=lambda: now[0])
    supervisor = Supervisor(
        tmp_path / "logs", told=told.append, clock=lambda: now[0], health=health
    )
    try:
        address = f"http://127.0.0.1:{port}/"
        web = service("web", SERVE, port, tmp_path / "pid", health=address, port=port)
        # Its address is another's: nobody asks whether it lives.
        idle = service("idle", FOREVER, health="")
        supervisor.start([web, idle])
        child = int((tmp_path / "pid").read_text())
        health.look()
        well[0] = False
        for _ in range(3):
            now[0] += HUNG_SECONDS
            health.look()
        supervisor.tend()
        assert told[-2:] == [
            f"web has not answered for {HUNG_SECONDS:.0f} s; ending it",
            "web ended with -9; starting it again in 1 s",
        ]
        wait_for(lambda: not is_alive(child), 20, "the child to end")
        now[0] += 2
        supervisor.tend()
        wait_for(lambda: answers(address), 30, "it to answer again")
        # The new one is given its time.
        supervisor.tend()
        assert len([line for line in told if "ending it" in line]) == 1
    finally:
        supervisor.stop()
