"""Undoing a change of several files and folders when the last step of it fails."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def undone_on_failure(folder: Path, aside: Path, notes: Sequence[Path]) -> Iterator[None]:
    """Move a folder aside for a new one, and bring everything back if the block fails.

    Args:
        folder: Folder that the block makes anew; may be missing.
        aside: Where the old one waits, on the same disk.
        notes: Small files and folders that the block may write. A file gets its bytes back; what
            was not there is removed; a folder that was there stays as it is.

    Yields:
        Nothing, with ``folder`` out of the way.
    """
    files = {path: path.read_bytes() for path in notes if path.is_file()}
    missing = [path for path in notes if not path.exists()]
    if folder.exists():
        folder.rename(aside)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if aside.exists():
            aside.rename(folder)
        for path in missing:
            _remove(path)
        for path, content in files.items():
            with suppress(OSError):
                path.write_bytes(content)
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)
