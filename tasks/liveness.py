"""Whether the process of a deployed run is alive, by a lock that dies with it.

::

    <home>/running/<flow_run>.json    locked while its process lives, removed when it ends by itself

A note that lies there unlocked tells of a process that was killed, or told to end, or gave up since
object storage was away for too long: nothing is wrong with such a run. It may also tell of one that
was handed back to the orchestrator, and that nobody here has taken up yet.
"""

import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from feedback.errors import StoreAwayError


@dataclass(frozen=True)
class DeadRun:
    """A run whose process on this host was killed, or gave up on a store that was away.

    Attributes:
        flow_run: Its id in the orchestrator.
        recovered: How often it was started again since it last went forward.
        gave_up: It ended by itself since the store was away, so the orchestrator has it as failed.
        handed_back: It was started again, and no process of this host has held its lock since.
    """

    flow_run: str
    recovered: int
    gave_up: bool = False
    handed_back: bool = False


@contextmanager
def alive(home: Path, flow_run: str) -> Iterator[Callable[[], None]]:
    """Hold the lock of a run while its body works.

    The note is removed when the run ends by itself: well, with an error, or to wait for people. One
    whose process is told to end, as by ``parley up`` that stops, is left to be started again, and
    so is one whose store was away for longer than its patience.

    Args:
        home: Folder of the installation.
        flow_run: The run's id.

    Yields:
        To be called when the run went forward: whatever died before does not count any more.
    """
    from prefect.exceptions import Pause

    path = _path(home, flow_run)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path) as handle:
        note = replace(_read(handle.read(), flow_run)[1], gave_up=False, handed_back=False)
        _write(home, note)

        def went_forward() -> None:
            nonlocal note
            if note.recovered:
                note = replace(note, recovered=0)
                _write(home, note)

        try:
            yield went_forward
        except StoreAwayError:
            _write(home, replace(note, gave_up=True))
            raise
        except BaseException as error:
            if isinstance(error, (Exception, Pause)):
                path.unlink(missing_ok=True)
            raise
        path.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[TextIO]:
    """Open the file that lies there and hold its lock."""
    while True:
        with path.open("a+") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            # Whoever held it before may have removed the file: nobody would see this lock.
            if _is_there(path, handle):
                handle.seek(0)
                yield handle
                return


def _is_there(path: Path, handle: TextIO) -> bool:
    try:
        return os.path.samestat(os.fstat(handle.fileno()), path.stat())
    except FileNotFoundError:
        return False


def find_dead(home: Path) -> list[DeadRun]:
    """Return the runs of this host to be started again; those of other hosts are left out."""
    found = []
    for path in sorted((home / "running").glob("*.json")):
        with suppress(FileNotFoundError), path.open() as handle:
            try:
                _probe(handle)
            except OSError:
                continue
            host, run = _read(handle.read(), path.stem)
            if host == socket.gethostname():
                found.append(run)
    return found


def is_alive(home: Path, flow_run: str) -> bool:
    """Tell whether a process of this host holds the lock of a run."""
    try:
        with _path(home, flow_run).open() as handle:
            _probe(handle)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _probe(handle: TextIO) -> None:
    """Fail if the process of a run holds its lock; whoever else looks does not matter."""
    fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)


@contextmanager
def reaping(home: Path) -> Iterator[None]:
    """Let one reaper of this host act at a time, so that the next one sees what it did."""
    (home / "running").mkdir(parents=True, exist_ok=True)
    with (home / "running" / "reaper.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def note_recovery(home: Path, run: DeadRun) -> None:
    """Note that a run is started again, so that one that always dies is given up some time."""
    # It may find the store away again before it notes itself, so that it gave up is kept.
    _write(home, replace(run, recovered=run.recovered + 1, handed_back=True))


def forget(home: Path, flow_run: str) -> None:
    """Remove the note of a run that needs no recovery, unless a process holds it."""
    path = _path(home, flow_run)
    with suppress(FileNotFoundError, BlockingIOError), path.open() as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)


def _path(home: Path, flow_run: str) -> Path:
    return home / "running" / f"{flow_run}.json"


def _write(home: Path, run: DeadRun) -> None:
    # In place: a file put there by renaming would be another one than is locked.
    note = {
        "host": socket.gethostname(),
        "recovered": run.recovered,
        "gave_up": run.gave_up,
        "handed_back": run.handed_back,
    }
    _path(home, run.flow_run).write_text(json.dumps(note))


def _read(text: str, flow_run: str) -> tuple[str, DeadRun]:
    try:
        note = json.loads(text)
        gave_up, handed_back = (bool(note.get(name)) for name in ("gave_up", "handed_back"))
        return str(note["host"]), DeadRun(flow_run, int(note["recovered"]), gave_up, handed_back)
    except (ValueError, KeyError, TypeError, AttributeError):
        # Killed before it had written: it is this host's if anybody's.
        return socket.gethostname(), DeadRun(flow_run, 0)
