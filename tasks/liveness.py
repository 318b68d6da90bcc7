"""Whether the process of a deployed run is alive, by a lock that dies with it.

::

    <home>/running/<flow_run>.json    locked while its process lives, removed when it ends by itself

A note that lies there unlocked tells of a process that was killed, or told to end, or gave up since
object storage was away for too long: nothing is wrong with such a run.
"""

import fcntl
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from feedback.errors import StoreAwayError


@dataclass(frozen=True)
class DeadRun:
    """A run whose process on this host was killed, or gave up on a store that was away.

    Attributes:
        flow_run: Its id in the orchestrator.
        recovered: How often it was started again before.
        gave_up: It ended by itself since the store was away, so the orchestrator has it as failed.
    """

    flow_run: str
    recovered: int
    gave_up: bool = False


@contextmanager
def alive(home: Path, flow_run: str) -> Iterator[None]:
    """Hold the lock of a run while its body works.

    The note is removed when the run ends by itself: well, with an error, or to wait for people. One
    whose process is told to end, as by ``parley up`` that stops, is left to be started again, and
    so is one whose store was away for longer than its patience.

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
        except StoreAwayError:
            _write(path, recovered, gave_up=True)
            raise
        except BaseException as error:
            if isinstance(error, (Exception, Pause)):
                path.unlink(missing_ok=True)
            raise
        path.unlink(missing_ok=True)


def find_dead(home: Path) -> list[DeadRun]:
    """Return the runs of this host to be started again; those of other hosts are left out."""
    found = []
    for path in sorted((home / "running").glob("*.json")):
        with path.open() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            host, recovered, gave_up = _read(handle.read())
            if host == socket.gethostname():
                found.append(DeadRun(path.stem, recovered, gave_up))
    return found


def note_recovery(home: Path, run: DeadRun) -> None:
    """Note that a run is started again, so that one that always dies is given up some time."""
    # It may find the store away again before it notes itself.
    _write(_path(home, run.flow_run), run.recovered + 1, gave_up=run.gave_up)


def forget(home: Path, flow_run: str) -> None:
    """Remove the note of a run that needs no recovery."""
    _path(home, flow_run).unlink(missing_ok=True)


def _path(home: Path, flow_run: str) -> Path:
    return home / "running" / f"{flow_run}.json"


def _write(path: Path, recovered: int, *, gave_up: bool = False) -> None:
    # In place: a file put there by renaming would be another one than is locked.
    note = {"host": socket.gethostname(), "recovered": recovered, "gave_up": gave_up}
    path.write_text(json.dumps(note))


def _read(text: str) -> tuple[str, int, bool]:
    try:
        note = json.loads(text)
        return str(note["host"]), int(note["recovered"]), bool(note.get("gave_up", False))
    except (ValueError, KeyError, TypeError):
        # Killed before it had written: it is this host's if anybody's.
        return socket.gethostname(), 0, False
