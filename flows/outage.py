"""Failures of the disk under libraries of others, which tell them in a hundred ways."""

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from feedback.errors import ParleyError, StoreError

_DISK = {
    errno.ENOSPC: "no space left",
    errno.EDQUOT: "no quota left",
    errno.EFBIG: "a file larger than allowed",
    errno.EROFS: "a file system that is read-only",
    errno.EIO: "an error of the device",
}
_DATABASE = ("disk is full", "disk I/O error", "readonly database", "unable to open database")
_LEFT = 2**20
"""Bytes; a disk with less takes no write worth the name."""


def explain_outage(error: BaseException, home: Path) -> ParleyError | None:
    """Recognise an error that came from a disk which takes no more.

    Our own writes say so themselves; this is for the databases of Prefect and MLflow, whose errors
    reach us wrapped, or as the silence of a server that could not start.

    Args:
        error: Anything that was raised.
        home: Folder of everything that a run leaves behind.

    Returns:
        The error to show instead, or None when the disk has no part in it.
    """
    reason = next((found for each in _chain(error) if (found := _reason(each))), None)
    if reason is None and _free(home) < _LEFT:
        reason = "no space left"
    if reason is None:
        return None
    return StoreError(
        f"expected to write in {home} (got {reason}); free disk space or name another folder in "
        "PARLEY_HOME, then give the same command again: it goes on from the last finished stage"
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _reason(error: BaseException) -> str | None:
    if isinstance(error, OSError) and error.errno in _DISK:
        return _DISK[error.errno]
    return next((sign for sign in _DATABASE if sign in str(error)), None)


def _free(folder: Path) -> int:
    existing = next((each for each in (folder, *folder.absolute().parents) if each.is_dir()), None)
    return shutil.disk_usage(existing).free if existing else 0
