"""``parley up``: everything answers, what dies comes back, and nothing is left when it stops."""

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.e2e.servers import PARLEY, answers, environment, free_port, process, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def processes_of(home):
    """Return the ids of all processes that were started for a home."""
    found, marker = [], f"PARLEY_HOME={home}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if marker in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def see_the_page(address, told):
    """Check that the page's address is told, and that Parley's page answers there."""
    assert f"page is up at {address}\n" in told
    page = httpx.get(address, timeout=60)
    assert page.status_code == 200
    assert "<title>Parley · Review</title>" in page.text
    assert "frame-ancestors" in page.headers["content-security-policy"]
    layout = httpx.get(f"{address}/_dash-layout", timeout=60).json()
    assert "Parley" in [part["props"].get("children") for part in parts_of(layout)]
    for script in re.findall(r'src="(/assets/[^"]+)"', page.text):
        assert httpx.get(address + script, timeout=60).status_code == 200
    # Served on this machine to nobody else: by any other name it does not answer.
    assert httpx.get(address, headers={"Host": "evil.example"}, timeout=60).status_code == 421


def parts_of(part):
    """Yield every component of a described page."""
    if isinstance(part, list):
        for child in part:
            yield from parts_of(child)
    elif isinstance(part, dict):
        yield part
        yield from parts_of(part["props"].get("children"))


def test_up_starts_all_restarts_what_dies_and_stops_cleanly_and_goes_on(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    prefect, mlflow, page = ports = free_port(), free_port(), free_port()
    named = zip(("--prefect-port", "--mlflow-port", "--page-port"), map(str, ports), strict=True)
    command = (*PARLEY, "up", *(word for pair in named for word in pair))
    env, log = environment(home), home / "up.log"
    ids = []
    for number, stop in enumerate((signal.SIGTERM, signal.SIGINT), 1):
        with process(command, env, log) as up:
            wait_for(lambda n=number: log.read_text().count("all is up") == n, 400, "all to be up")
            assert answers(f"http://127.0.0.1:{mlflow}/health")
            see_the_page(f"http://127.0.0.1:{page}", log.read_text())
            api = f"http://127.0.0.1:{prefect}/api"
            found = httpx.post(f"{api}/deployments/filter", json={}, timeout=60).json()
            ids.append([deployment["id"] for deployment in found])
            if number == 1:
                again = subprocess.run(
                    command, env=env, capture_output=True, text=True, timeout=120, check=False
                )
                assert (again.returncode, again.stdout) == (1, "")
                assert "got another `parley up`" in again.stderr
                (watcher,) = (
                    pid
                    for pid in processes_of(home)
                    if b"watch" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                )
                os.kill(watcher, signal.SIGKILL)
                wait_for(
                    lambda: re.search("watcher ended with -9; starting it again", log.read_text()),
                    30,
                    "the watcher to be missed",
                )
            up.send_signal(stop)
            assert up.wait(90) == 0
        assert log.read_text().endswith("the next `parley up` goes on from here\n")
        wait_for(lambda: not processes_of(home), 20, "every process to end")
        assert not any(map(listening, ports))
    assert ids[0] == ids[1] != []

    # Killed, it cannot stop anything itself, and the next start must not find the ports taken.
    with process(command, env, log) as up:
        wait_for(lambda: log.read_text().count("all is up") == 3, 400, "all to be up")
        up.kill()
        up.wait(30)
    wait_for(lambda: not processes_of(home), 30, "every process to end")
    assert not any(map(listening, ports))
