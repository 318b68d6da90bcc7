"""Object storage behind one small interface: a local folder, or any S3 (``feedback/s3.py``).

Storage is the only truth about reviews, so the interface promises what the exchange relies on:
nobody ever reads half an object, and of many writers with ``put_if_absent`` exactly one wins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class ObjectInfo:
    """What a listing tells about an object.

    Attributes:
        key: Its name.
        size: Bytes.
        modified: When it was written, UTC, by the store's clock.
        etag: Opaque; changes when the object is replaced.
    """

    key: str
    size: int
    modified: datetime
    etag: str


@runtime_checkable
class ObjectStore(Protocol):
    """Objects under keys (``feedback/keys.py``); no key is the folder of another one.

    Every method raises ``StoreError`` when the store cannot be reached, written or trusted, and
    when a key is not valid.
    """

    @property
    def url(self) -> str:
        """Address of the store, without credentials."""
        ...

    def put(self, key: str, data: bytes) -> None:
        """Write an object, replacing one of the same key; it is durable when this returns."""
        ...

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Write an object unless its key is taken; True for one of many writers, never for two.

        When False comes back, an object stands there. Where a connection broke before the answer,
        whoever wrote the bytes that stand is told True: two then only if they wrote the same bytes.
        It may still be the caller's own if it could not be read back, so who cares compares what
        ``get`` gives.
        """
        ...

    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        """Read an object.

        Raises:
            ObjectNotFoundError: If there is none.
            ObjectTooLargeError: If it has more than ``max_bytes`` bytes; no more than that is read.
        """
        ...

    def exists(self, key: str) -> bool:
        """Tell whether there is an object under the key."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; no error when there is none."""
        ...

    def list(self, prefix: str = "") -> Sequence[ObjectInfo]:
        """List the objects whose key starts with ``prefix``, sorted by key."""
        ...

    def folders(self, prefix: str) -> Sequence[str]:
        """List the parts that follow ``prefix`` in the keys of objects deeper down, sorted.

        What such a folder holds is not listed, so it costs no more however much that is. The prefix
        is empty or ends with a slash.
        """
        ...
