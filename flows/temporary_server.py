"""Prefect's server for one run in this process, when no server of an installation is named.

Prefect starts one by itself, but only once it is asked for, after importing the whole server into
the run's own process, and leaves it behind when that process is killed. Here it starts while the
run still imports what it needs, and ends with the pipe that the run holds.
"""

import logging
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from feedback.errors import OrchestrationError

logger = logging.getLogger(__name__)
PATIENCE_SECONDS = 180.0
"""Longest time until the server must answer; its first start on a machine creates a database."""
GRACE_SECONDS = 5.0
"""How long it may take to end by itself."""
_ADDRESS = "PREFECT_API_URL"


@contextmanager
def temporary_server() -> Iterator[Callable[[], None]]:
    """Start a server unless Prefect knows one, and end it with the body.

    Yields:
        Waits until the server answers; to be called before the first flow.

    Raises:
        OrchestrationError: From that call, if the server ends or does not answer in time.
    """
    from prefect.context import refresh_global_settings_context
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value():
        yield lambda: None
        return
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        process = _spawn(listening)
    address = f"http://127.0.0.1:{port}/api"
    os.environ[_ADDRESS] = address
    refresh_global_settings_context()
    try:
        yield lambda: _wait(process, address)
    finally:
        del os.environ[_ADDRESS]
        refresh_global_settings_context()
        _end(process)


def _spawn(listening: socket.socket) -> "subprocess.Popen[bytes]":
    from prefect.settings import get_current_settings

    own = {
        "PREFECT_UI_ENABLED": "0",
        "PREFECT__SERVER_EPHEMERAL": "1",
        "PREFECT__SERVER_FINAL": "1",
    }
    known = get_current_settings().to_environment_variables(exclude_unset=True)
    return subprocess.Popen(
        [sys.executable, "-m", "flows.attended_server", str(listening.fileno())],
        stdin=subprocess.PIPE,
        env={**os.environ, **own, **known},
        pass_fds=[listening.fileno()],
        # Ctrl-C is the run's to deal with: it tells the server of its end first.
        start_new_session=True,
    )


def _wait(process: "subprocess.Popen[bytes]", address: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < until:
        # The socket listens from the start, so this is answered as soon as it can be.
        with (
            suppress(urllib.error.URLError, OSError),
            urllib.request.urlopen(f"{address}/health", timeout=PATIENCE_SECONDS) as reply,
        ):
            if reply.status == 200:
                return
        time.sleep(0.1)
    raise OrchestrationError(
        f"expected Prefect's temporary server to answer within {PATIENCE_SECONDS:.0f} s (got "
        f"{'no answer' if process.poll() is None else f'its end with {process.returncode}'}); "
        "look at the lines above, or start one with `parley up` and set PREFECT_API_URL"
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        logger.info("the temporary server does not end by itself; killing it")
        process.kill()
        process.wait()
