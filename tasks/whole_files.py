"""Files that are there as a whole or not at all, whatever happens while they are written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from feedback.syncing import sync_folder


@contextmanager
def written_whole(path: Path, *, durable: bool = False) -> Iterator[BinaryIO]:
    """Open a file that takes its place by a rename when the block ends without an error.

    A process that is killed meanwhile leaves a hidden ``*.part`` beside it.

    Args:
        path: File to write or to replace; folders above it are made.
        durable: Whether it must survive a loss of power, at the price of waiting for the disk.

    Yields:
        Stream to write to.

    Raises:
        OSError: If it cannot be written; what was there before stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own, for others may write the same file; short, for names have a limit.
    side = path.with_name(f".{uuid4().hex}.part")
    try:
        with side.open("wb") as stream:
            yield stream
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        side.replace(path)
        if durable:
            sync_folder(path.parent)
    finally:
        with suppress(OSError):
            side.unlink(missing_ok=True)  # gone already when it took its place
