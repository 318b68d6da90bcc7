"""What `parley up` started ends with it, even when it is killed."""

import os
import signal
import subprocess
import sys
import time

from flows.supervisor import Supervisor
from flows.warden import keep_watch
from tests.e2e.servers import wait_for
from tests.flows.test_supervisor import FOREVER, SERVE, STUBBORN, is_alive, service

UP = """
import os, sys
from pathlib import Path
from flows.supervisor import Service, Supervisor
supervisor = Supervisor(Path(sys.argv[1]), told=lambda line: None)
web = Service("web", (sys.executable, "-c", sys.argv[2], "0", sys.argv[3]), os.environ)
supervisor.start([web])
print(supervisor._running["web"].process.pid, flush=True)
supervisor.keep()
"""


def group(code):
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True
    )


def test_what_a_killed_supervisor_started_ends_with_all_that_it_started(tmp_path):
    born = tmp_path / "pid"
    with subprocess.Popen(
        [sys.executable, "-c", UP, str(tmp_path / "logs"), SERVE, str(born)],
        stdout=subprocess.PIPE,
    ) as up:
        service = int(up.stdout.readline())
        wait_for(lambda: born.exists() and born.read_text(), 30, "the service's child")
        child = int(born.read_text())
        assert is_alive(service)
        assert is_alive(child)
        os.kill(up.pid, signal.SIGKILL)
    wait_for(lambda: not is_alive(service) and not is_alive(child), 30, "both to end")


def test_a_warden_that_was_killed_is_replaced_and_knows_all_groups(tmp_path):
    supervisor = Supervisor(tmp_path / "logs", told=lambda line: None)
    supervisor.start([service("idle", FOREVER)])
    idle = supervisor._running["idle"].process
    first = supervisor._warden
    first._process.kill()
    first._process.wait()
    supervisor.tend()
    assert supervisor._warden is not first
    supervisor._warden.close()  # as if the supervisor had died
    assert idle.wait(30) == -signal.SIGTERM
    supervisor.stop()


def test_what_was_released_is_left_alone_and_what_is_stubborn_is_killed():
    with group(FOREVER) as kept, group(STUBBORN) as stubborn:
        stubborn.stdout.readline()
        started = time.monotonic()
        orders = [f"watch {kept.pid}\n", f"watch {stubborn.pid}\n", f"release {kept.pid}\n"]
        keep_watch(orders, grace=0.5)
        assert stubborn.wait(10) == -signal.SIGKILL
        assert time.monotonic() - started >= 0.5
        assert is_alive(kept.pid)
        kept.kill()
