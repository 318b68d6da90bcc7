"""Real servers and processes on loopback, started for a test and ended with it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

PARLEY = (sys.executable, "-c", "from flows.cli import main; main()")
ROOT = Path(__file__).parents[2]


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def environment(home, **changes):
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("PREFECT", "PARLEY", "MLFLOW"))
    }
    return kept | {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH")))),
        "PARLEY_HOME": str(home),
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        **changes,
    }


@contextlib.contextmanager
def process(arguments, env, log):
    """Run a process in a group of its own; whatever is left of the group ends with the block."""
    with log.open("ab") as out:
        started = subprocess.Popen(
            arguments, env=env, stdout=out, stderr=out, start_new_session=True, cwd=log.parent
        )
    try:
        yield started
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait(30)


def children_of(pid):
    """Return the processes below ``pid``, zombies left out."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = entry.read_text().rsplit(")", 1)[1].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(entry.parent.name))
    return found


def all_below(pid):
    """Return the processes below ``pid`` at any depth."""
    found = children_of(pid)
    return found + [below for child in found for below in all_below(child)]


def wait_for(condition, seconds, what):
    """Ask every half second until the condition gives something true, and return that."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if value := condition():
            return value
        time.sleep(0.5)
    raise AssertionError(f"waited {seconds} s for {what}")


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return reply.status == 200
    except (urllib.error.URLError, OSError):
        return False


def answers_at_all(url):
    """Tell whether a server says anything, be it that it lets nobody in."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except (urllib.error.URLError, OSError):
        return False


@contextlib.contextmanager
def prefect_server(home):
    """Start a Prefect server and give its API's address."""
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    home.mkdir(parents=True, exist_ok=True)
    command = (sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1")
    quiet = environment(home, PREFECT_SERVER_ANALYTICS_ENABLED="false", DO_NOT_TRACK="true")
    with process((*command, "--port", str(port)), quiet, home / "prefect.log"):
        wait_for(lambda: answers(f"{api}/health"), 240, "the Prefect server")
        yield api
