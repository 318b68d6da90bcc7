"""Making a change of a folder survive a loss of power."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Wait until a folder's entries, such as a file that was just renamed, are on the disk.

    Args:
        folder: The folder; what lies in its files must be synced apart.

    Raises:
        OSError: If it cannot be opened or written.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
