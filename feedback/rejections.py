"""Rejections: why an upload was refused, as its author reads it."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field

from feedback.canonical import canonical_json, sha256_hex
from feedback.fields import Exchanged, Identifier, Sha256, Timestamp
from feedback.layout import NOWHERE, parse_upload_key, rejection_key, rejection_prefix
from feedback.objects import ObjectStore

logger = logging.getLogger(__name__)


class Rejection(Exchanged):
    """Why an upload was refused, as its author reads it."""

    schema_version: Literal[1] = 1
    """Version of this schema."""
    request_id: Identifier
    """Request that it was meant for."""
    key: Annotated[str, Field(max_length=4000)]
    """The upload's key; escaped when it is not formed as one."""
    sha256: Sha256 | None = None
    """Digest of the refused bytes; None when they were not read."""
    kind: Identifier
    """Name of the error, such as ``UnknownTargetError``."""
    reason: Annotated[str, Field(max_length=4000)]
    """What was expected, what was got, and the remedy."""
    rejected_at: Timestamp
    """When it was refused."""


def reject(
    store: ObjectStore,
    request_id: str,
    key: str,
    error: Exception,
    *,
    data: bytes | None = None,
    now: datetime | None = None,
) -> Rejection:
    """Write why an upload is refused, once.

    Args:
        store: Where the request lies.
        request_id: Which request.
        key: The upload's key.
        error: What is wrong with it.
        data: The refused bytes, if they were read.
        now: Moment of the refusal; None takes the clock's.

    Returns:
        What was written; an earlier rejection of the same upload stays.

    Raises:
        StoreError: If the store cannot be written.
    """
    rejection = Rejection(
        request_id="unknown" if request_id == NOWHERE else request_id,
        key=key if parse_upload_key(key) else ascii(key)[1:-1][:4000],
        sha256=None if data is None else sha256_hex(data),
        kind=type(error).__name__,
        reason=str(error)[:4000],
        rejected_at=now or datetime.now(UTC),
    )
    data = canonical_json(rejection.model_dump(mode="json"))
    store.put_if_absent(rejection_key(request_id, key), data)
    logger.info("refused %s: %s", rejection.key, rejection.reason)
    return rejection


def load_rejections(store: ObjectStore, request_id: str) -> Sequence[Rejection]:
    """Read why uploads for a request were refused.

    Args:
        store: Where the request lies.
        request_id: Which request.

    Returns:
        Rejections in the order of their keys.
    """
    return [
        Rejection.model_validate_json(store.get(info.key), strict=True)
        for info in store.list(rejection_prefix(request_id))
    ]
