"""Whose turn it is on the GPU of this host, by a lock that dies with its process.

The orchestrator's limits count what it started itself, and a lease of it that is lost frees no
memory of the GPU. A lock on a file of the host also holds against a run from the command line.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from feedback.errors import StoreError


@contextmanager
def gpu_turn(home: Path, what: str, told: Callable[[str], None]) -> Iterator[None]:
    """Hold the GPU of this host while the body works; wait as long as another one holds it.

    Threads of one process wait for each other too. The kernel lets go when a process dies, however
    it dies.

    Args:
        home: Folder of the installation, which all processes that share the GPU must share.
        what: What it is taken for, shown to whoever waits.
        told: Told once, in one line, when there is something to wait for.

    Raises:
        StoreError: If the lock's file cannot be written.
    """
    path = home / "gpu.lock"
    try:
        home.mkdir(parents=True, exist_ok=True)
        # Not emptied by opening it: whoever waits must not wipe out who holds it.
        handle = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"expected to write the GPU's lock at {path} (got: {error.strerror}); make the folder "
            "writable, or name another one in PARLEY_HOME"
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            told(f"the GPU is taken by {handle.read(200).strip() or 'another task'}; waiting")
            fcntl.flock(handle, fcntl.LOCK_EX)
        handle.truncate(0)
        handle.write(f"{what} of process {os.getpid()}")
        handle.flush()
        yield
