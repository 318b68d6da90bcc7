"""A store that counts what is asked of it, as a bill for object storage does."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from feedback.objects import ObjectInfo, ObjectStore

PAGE = 1000
"""Keys that S3 lists in one answer."""


class CountingStore:
    """Hands calls on to another store, and counts them by kind; a listing by its pages."""

    def __init__(self, store: ObjectStore) -> None:
        """Wrap a store."""
        self._store = store
        self.calls: Counter[str] = Counter()
        self.bytes_read = 0

    @property
    def url(self) -> str:
        """Address of the store."""
        return self._store.url

    def put(self, key: str, data: bytes) -> None:
        """Write an object."""
        self.calls["PUT"] += 1
        self._store.put(key, data)

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Write an object unless its key is taken."""
        self.calls["PUT"] += 1
        return self._store.put_if_absent(key, data)

    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        """Read an object."""
        self.calls["GET"] += 1
        data = self._store.get(key, max_bytes=max_bytes)
        self.bytes_read += len(data)
        return data

    def exists(self, key: str) -> bool:
        """Look for an object."""
        self.calls["HEAD"] += 1
        return self._store.exists(key)

    def delete(self, key: str) -> None:
        """Remove an object."""
        self.calls["DELETE"] += 1
        self._store.delete(key)

    def list(self, prefix: str = "") -> Sequence[ObjectInfo]:
        """List objects."""
        return self._listed(self._store.list(prefix))

    def folders(self, prefix: str) -> Sequence[str]:
        """List folders."""
        return self._listed(self._store.folders(prefix))

    def _listed(self, found: Any) -> Any:
        self.calls["LIST"] += max(1, -(-len(found) // PAGE))
        return found
