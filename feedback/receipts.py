"""Receipts: the uploads that were found valid, fixed at first sight.

An inbox can be written again by its owner. What counts is the document that was there when it was
first judged: it is copied, with the moment of its arrival, to where reviewers cannot write.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from feedback.canonical import canonical_json, sha256_hex
from feedback.errors import DigestMismatchError, ReplayError
from feedback.fields import Exchanged, Identifier, Sha256, Timestamp
from feedback.inbox import MOST_WARNINGS, CheckedUpload
from feedback.layout import accepted_prefix, receipt_key
from feedback.objects import ObjectInfo, ObjectStore
from feedback.upload import Upload, parse_upload

MAX_RECEIPT_BYTES = 4 * 2**20
"""Largest receipt that is read."""


class Receipt(Exchanged):
    """A valid upload as it was first seen."""

    schema_version: Literal[1] = 1
    """Version of this schema."""
    request_id: Identifier
    """Request that it answers."""
    key: Annotated[str, Field(max_length=400)]
    """Where it was uploaded."""
    sha256: Sha256
    """Digest of the uploaded bytes."""
    etag: Annotated[str, Field(max_length=200)]
    """The store's mark of that version of the object."""
    arrived_at: Timestamp
    """When it came in, by the store's clock."""
    warnings: tuple[str, ...] = Field(default=(), max_length=MOST_WARNINGS)
    """What the channel warned of."""
    upload: Annotated[str, Field(max_length=262_144)]
    """The uploaded text."""

    def parsed(self) -> Upload:
        """Return the document and its signature."""
        return parse_upload(self.upload.encode())


def give_receipt(
    store: ObjectStore, request_id: str, info: ObjectInfo, checked: CheckedUpload, data: bytes
) -> Receipt:
    """Fix a valid upload, once.

    Args:
        store: Where the request lies.
        request_id: Request that it answers.
        info: The upload as it was listed.
        checked: What it says.
        data: Its bytes.

    Returns:
        The receipt that stands.

    Raises:
        ReplayError: If another document was accepted under the same one-time name before.
        StoreError: If the store cannot be written.
    """
    receipt = Receipt(
        request_id=request_id,
        key=info.key,
        sha256=checked.sha256,
        etag=info.etag,
        arrived_at=info.modified,
        warnings=checked.warnings,
        upload=data.decode("utf-8"),
    )
    key = receipt_key(request_id, info.key)
    if store.put_if_absent(key, canonical_json(receipt.model_dump(mode="json"))):
        return receipt
    standing = _read(store, key)
    if standing.sha256 != checked.sha256:
        raise ReplayError(
            f"expected a nonce that was not used before (got {checked.document.nonce!r} for "
            "another document); hand in the new one under a new nonce"
        )
    return standing


def load_receipts(store: ObjectStore, request_id: str) -> Sequence[Receipt]:
    """Read the valid uploads of a request.

    Args:
        store: Where the request lies.
        request_id: Which request.

    Returns:
        Receipts, those that arrived first first.

    Raises:
        DigestMismatchError: If one is not as it was written.
        StoreError: If the store cannot be read.
    """
    found = [_read(store, info.key) for info in store.list(accepted_prefix(request_id))]
    return sorted(found, key=lambda receipt: (receipt.arrived_at, receipt.key))


def _read(store: ObjectStore, key: str) -> Receipt:
    data = store.get(key, max_bytes=MAX_RECEIPT_BYTES)
    try:
        receipt = Receipt.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise _changed(key) from error
    if (
        receipt_key(receipt.request_id, receipt.key) != key
        or sha256_hex(receipt.upload.encode()) != receipt.sha256
    ):
        raise _changed(key)
    return receipt


def _changed(key: str) -> DigestMismatchError:
    return DigestMismatchError(
        f"expected the receipt {key!r} as it was written (got other bytes); restore it from the "
        "store's versions"
    )
