"""Trying out whether a store keeps the promise that the exchange relies on."""

import logging
import uuid

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
    try:
        store.delete(key)
    except StoreError:
        # A role without the right to delete may use the store all the same.
        logger.info("the probe object %s stays in %s", key, store.url)
    if not first or second or kept != b"first":
        raise StoreError(
            f"expected {store.url} to refuse a second conditional write (got: it was accepted); "
            "use a store that honours If-None-Match: *, such as Amazon S3 or Ceph radosgw"
        )
