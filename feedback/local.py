"""Object store in a local folder: one file per object, written beside and moved into place."""

import errno
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from feedback.errors import ObjectNotFoundError, ObjectTooLargeError, StoreError
from feedback.keys import check_folder, check_key, check_prefix
from feedback.objects import ObjectInfo
from feedback.syncing import sync_folder

# Keys cannot start with a dot, so no object is ever called so.
_UNFINISHED = ".unfinished"
_UNFINISHED_SECONDS = 24 * 3600
_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class LocalStore:
    """Objects as files of a folder that any number of processes of one machine may share.

    A file is written under ``.unfinished``, flushed to disk, and then renamed (``put``) or hard
    linked (``put_if_absent``: the link fails when the name is taken) to its key. So a reader sees a
    whole object or none, also after kill -9 or a full disk.
    """

    def __init__(self, root: Path) -> None:
        """Open the folder, creating it when there is none.

        Args:
            root: Folder of the store.

        Raises:
            StoreError: If it cannot be created or written.
        """
        self.root = root.absolute()
        self._unfinished = self.root / _UNFINISHED
        with self._explained("open", str(root)):
            self._unfinished.mkdir(parents=True, exist_ok=True)
            if not os.access(self._unfinished, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            self._clear_unfinished()

    @property
    def url(self) -> str:
        """Address of the store."""
        return self.root.as_uri()

    def put(self, key: str, data: bytes) -> None:
        """Write an object, replacing one of the same key."""
        target = self._path(key)
        with self._explained("write", key), self._written(data) as unfinished:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(unfinished, target)
            sync_folder(target.parent)

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Write an object unless its key is taken."""
        target = self._path(key)
        if target.exists():
            return False
        with self._explained("write", key), self._written(data) as unfinished:
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(unfinished, target)
            except FileExistsError:
                return False
            sync_folder(target.parent)
            return True

    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        """Read an object, at most ``max_bytes`` of it."""
        path = self._path(key)
        try:
            with self._explained("read", key), path.open("rb") as file:
                data = file.read() if max_bytes is None else file.read(max_bytes + 1)
        except _ABSENT:
            raise ObjectNotFoundError(
                f"expected an object at {key!r} of {self.url} (got none); check its name"
            ) from None
        if max_bytes is not None and len(data) > max_bytes:
            raise ObjectTooLargeError(f"expected at most {max_bytes} bytes at {key!r} (got more)")
        return data

    def exists(self, key: str) -> bool:
        """Tell whether there is an object under the key."""
        return self._path(key).is_file()

    def delete(self, key: str) -> None:
        """Remove an object; no error when there is none."""
        path = self._path(key)
        with suppress(*_ABSENT), self._explained("delete", key):
            path.unlink()

    def list(self, prefix: str = "") -> Sequence[ObjectInfo]:
        """List the objects whose key starts with ``prefix``, sorted by key."""
        folder = check_prefix(prefix).rpartition("/")[0]
        with self._explained("list", prefix):
            found = [info for info in self._walk(folder) if info.key.startswith(prefix)]
        return sorted(found, key=lambda info: info.key)

    def folders(self, prefix: str) -> Sequence[str]:
        """List the parts that follow ``prefix`` in the keys of objects deeper down, sorted."""
        folder = check_folder(prefix).rstrip("/")
        with self._explained("list", prefix):
            try:
                entries = _entries(self.root / folder)
            except _ABSENT:
                return []
            names = [
                entry.name
                for entry in entries
                if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
            ]
            # A folder of the disk stays when its last object is deleted.
            return sorted(name for name in names if any(self._walk(f"{prefix}{name}")))

    def _walk(self, folder: str) -> Iterator[ObjectInfo]:
        try:
            entries = _entries(self.root / folder)
        except _ABSENT:
            return
        for entry in entries:
            key = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(key)
            elif entry.is_file(follow_symlinks=False):
                # Deleted or replaced since the folder was read: the next listing tells.
                with suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    yield ObjectInfo(
                        key=key,
                        size=status.st_size,
                        modified=datetime.fromtimestamp(status.st_mtime, UTC),
                        # Every put makes a new file, so the inode tells replacements apart.
                        etag=f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}",
                    )

    def _path(self, key: str) -> Path:
        return self.root / check_key(key)

    @contextmanager
    def _written(self, data: bytes) -> Iterator[Path]:
        path = self._unfinished / f"{os.getpid()}-{uuid.uuid4().hex}"
        try:
            with path.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            yield path
        finally:
            path.unlink(missing_ok=True)

    @contextmanager
    def _explained(self, verb: str, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if verb in ("read", "delete") and isinstance(error, _ABSENT):
                raise
            raise StoreError(
                f"expected to {verb} {key!r} in {self.root} (got: {error.strerror}); "
                f"{_remedy(error)}"
            ) from error

    def _clear_unfinished(self) -> None:
        # Left by a process that was killed while it wrote; a live writer's file is younger.
        oldest = time.time() - _UNFINISHED_SECONDS
        for entry in _entries(self._unfinished):
            with suppress(FileNotFoundError):
                if entry.stat(follow_symlinks=False).st_mtime < oldest:
                    os.unlink(entry.path)


def _entries(folder: Path) -> Sequence["os.DirEntry[str]"]:
    # Read at once so that no handle stays open; outside the class, where list is not a method.
    with os.scandir(folder) as entries:
        return [*entries]


def _remedy(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "free disk space or choose a store on another disk; nothing was half-written"
    if error.errno in (errno.EPERM, errno.ENOTSUP, errno.EMLINK):
        return "choose a folder on a file system with hard links"
    if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR):
        return "no part of an object's name may be an object of its own; choose another name"
    return "make the folder writable or choose another store"
