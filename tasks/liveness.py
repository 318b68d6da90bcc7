"""Whether the process of a deployed run is alive, by a lock that dies with it.

::

    <home>/running/<flow_run>.json    locked while its process lives, removed when it ends by itself

A note that lies there unlocked tells of a process that was killed, or told to end.
"""

import fcntl
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DeadRun:
    """A run whose process on this host was killed.

    Attributes:
        flow_run: Its id in the orchestrator.
        recovered: How often it was started again before.
    """

    flow_run: str
    recovered: int


@contextmanager
def alive(home: Path, flow_run: str) -> Iterator[None]:
    """Hold the lock of a run while its body works.

    The note is removed when the run ends by itself: well, with an error, or to wait for people. One
    whose process is told to end, as by ``parley up`` that stops, is left to be started again.

    Args:
        home: Folder of the installation.
        flow_run: The run's id.
    """
    from prefect.exceptions import Pause

    path = _path(home, flow_run)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.seek(0)
        recovered = _read(handle.read())[1]
        _write(path, recovered)
        try:
            yield
        except BaseException as error:
            if isinstance(error, (Exception, Pause)):
                path.unlink(missing_ok=True)
            raise
        path.unlink(missing_ok=True)


def find_dead(home: Path) -> list[DeadRun]:
    """Return the runs of this host whose process was killed; those of other hosts are left out."""
    found = []
    for path in sorted((home / "running").glob("*.json")):
        with path.open() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            host, recovered = _read(handle.read())
            if host == socket.gethostname():
                found.append(DeadRun(path.stem, recovered))
    return found


def note_recovery(home: Path, run: DeadRun) -> None:
    """Note that a run is started again, so that one that always dies is given up some time."""
    _write(_path(home, run.flow_run), run.recovered + 1)


def forget(home: Path, flow_run: str) -> None:
    """Remove the note of a run that needs no recovery."""
    _path(home, flow_run).unlink(missing_ok=True)


def _path(home: Path, flow_run: str) -> Path:
    return home / "running" / f"{flow_run}.json"


def _write(path: Path, recovered: int) -> None:
    # In place: a file put there by renaming would be another one than is locked.
    path.write_text(json.dumps({"host": socket.gethostname(), "recovered": recovered}))


def _read(text: str) -> tuple[str, int]:
    try:
        note = json.loads(text)
        return str(note["host"]), int(note["recovered"])
    except (ValueError, KeyError, TypeError):
        # Killed before it had written: it is this host's if anybody's.
        return socket.gethostname(), 0
