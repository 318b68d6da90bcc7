"""Trying out whether a store keeps what the exchange relies on, and asking what time it has."""

import logging
import uuid
from datetime import datetime

from feedback.errors import StoreError
from feedback.layout import probe_key
from feedback.objects import ObjectStore

logger = logging.getLogger(__name__)


def probe_conditional_writes(store: ObjectStore) -> None:
    """Refuse a store that would let two writers win.

    Writes one object twice if absent and expects the second write to be refused. The object has a
    name of its own, under the one prefix that every process may write.

    Args:
        store: The store.

    Raises:
        StoreError: If the store cannot be written, or ignores the condition.
    """
    key = probe_key(uuid.uuid4().hex)
    first = store.put_if_absent(key, b"first")
    second = store.put_if_absent(key, b"second")
    kept = store.get(key)
    _remove(store, key)
    if not first or second or kept != b"first":
        raise StoreError(
            f"expected {store.url} to refuse a second conditional write (got: it was accepted); "
            "use a store that honours If-None-Match: *, such as Amazon S3 or Ceph radosgw"
        )


def store_time(store: ObjectStore) -> datetime | None:
    """Return what time it is by the store's clock; None where what was written is not listed.

    Raises:
        StoreError: If the store cannot be written.
    """
    key = probe_key(uuid.uuid4().hex)
    store.put(key, b"")
    found = [info.modified for info in store.list(key)]
    _remove(store, key)
    return found[0] if found else None


def _remove(store: ObjectStore, key: str) -> None:
    try:
        store.delete(key)
    except StoreError:
        # A role without the right to delete may use the store all the same.
        logger.info("the probe object %s stays in %s", key, store.url)
