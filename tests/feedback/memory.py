"""An object store in memory: as strict as the real ones, as quick as a dictionary."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from feedback.errors import ObjectNotFoundError, ObjectTooLargeError
from feedback.keys import check_folder, check_key, check_prefix
from feedback.objects import ObjectInfo

Value = TypeVar("Value")


class Killed(BaseException):
    """The process died; no handler of ours may live through it."""


class MemoryStore:
    """Objects in a dictionary, dated by a clock that the test moves."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.now = now
        self.objects: dict[str, tuple[bytes, datetime, str]] = {}

    @property
    def url(self) -> str:
        return "memory://"

    def put(self, key: str, data: bytes) -> None:
        self.objects[check_key(key)] = (data, self.now(), hashlib.md5(data).hexdigest())

    def put_if_absent(self, key: str, data: bytes) -> bool:
        if check_key(key) in self.objects:
            return False
        self.put(key, data)
        return True

    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        if check_key(key) not in self.objects:
            raise ObjectNotFoundError(f"expected an object at {key!r} (got none); check its name")
        data = self.objects[key][0]
        if max_bytes is not None and len(data) > max_bytes:
            raise ObjectTooLargeError(f"expected at most {max_bytes} bytes at {key!r} (got more)")
        return data

    def exists(self, key: str) -> bool:
        return check_key(key) in self.objects

    def delete(self, key: str) -> None:
        self.objects.pop(check_key(key), None)

    def list(self, prefix: str = "") -> Sequence[ObjectInfo]:
        check_prefix(prefix)
        return [
            ObjectInfo(key, len(data), when, etag)
            for key, (data, when, etag) in sorted(
                item for item in self.objects.items() if item[0].startswith(prefix)
            )
        ]

    def folders(self, prefix: str) -> Sequence[str]:
        check_folder(prefix)
        rests = [key.removeprefix(prefix) for key in self.objects if key.startswith(prefix)]
        return sorted({rest.split("/")[0] for rest in rests if "/" in rest})

    def copy(self) -> "MemoryStore":
        twin = MemoryStore(self.now)
        twin.objects = dict(self.objects)
        return twin


class MortalStore(MemoryStore):
    """Dies at its n-th call, before or after the call took effect."""

    def __init__(self, inner: MemoryStore, *, dies_at: int, after: bool) -> None:
        super().__init__(inner.now)
        self.objects = inner.objects
        self.calls, self._dies_at, self._after = 0, dies_at, after

    def _counted(self, call: Callable[[], Value]) -> Value:
        self.calls += 1
        if self.calls == self._dies_at and not self._after:
            raise Killed
        try:
            return call()
        finally:
            if self.calls == self._dies_at:
                raise Killed

    def put(self, key: str, data: bytes) -> None:
        self._counted(lambda: MemoryStore.put(self, key, data))

    def put_if_absent(self, key: str, data: bytes) -> bool:
        def write() -> bool:
            if check_key(key) in self.objects:
                return False
            MemoryStore.put(self, key, data)
            return True

        return self._counted(write)

    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        return self._counted(lambda: MemoryStore.get(self, key, max_bytes=max_bytes))

    def exists(self, key: str) -> bool:
        return self._counted(lambda: MemoryStore.exists(self, key))

    def list(self, prefix: str = "") -> Sequence[ObjectInfo]:
        return self._counted(lambda: MemoryStore.list(self, prefix))

    def folders(self, prefix: str) -> Sequence[str]:
        return self._counted(lambda: MemoryStore.folders(self, prefix))
