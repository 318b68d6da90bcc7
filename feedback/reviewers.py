"""Who may answer: one object per reviewer or page, ``reviewers/<id>.json``.

Only operators write this prefix. A change is recorded in the audit log by whoever makes it.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from feedback.errors import ObjectNotFoundError, ReviewerError
from feedback.fields import Exchanged, Identifier, Reason, Sha256, StoredDocument, Timestamp
from feedback.layout import REVIEWERS, reviewer_key
from feedback.objects import ObjectStore
from feedback.signing import PublicKey, key_id_of

logger = logging.getLogger(__name__)

MAX_RECORD_BYTES = 262_144
"""Largest record that is read."""


class ReviewerKey(Exchanged):
    """A public key and whether it is still good."""

    key_id: Sha256
    """Digest of the public key."""
    public_key: PublicKey
    """The key."""
    enrolled_at: Timestamp
    """When it was added."""
    revoked_at: Timestamp | None = None
    """When it was taken back; nothing that it signed counts from then on."""

    @model_validator(mode="after")
    def _is_named_by_its_digest(self) -> Self:
        try:
            fits = key_id_of(self.public_key) == self.key_id
        except ReviewerError as error:
            raise ValueError(str(error)) from error
        if not fits:
            raise ValueError("expected key_id to be the digest of public_key (got another one)")
        return self


class ReviewerRecord(StoredDocument):
    """A reviewer, or a page that signs for reviewers."""

    schema_version: Literal[1] = 1
    """Version of this schema."""
    id: Identifier
    """Name that documents are written under; for a page, the name it attests by."""
    kind: Literal["person", "page"] = "person"
    """A page vouches for others and answers nothing itself."""
    roles: tuple[Identifier, ...] = Field(default=(), max_length=20)
    """Roles that a person may speak for."""
    keys: tuple[ReviewerKey, ...] = Field(default=(), max_length=20)
    """Keys of their own; a person without one answers through the page."""
    enrolled_by: Identifier
    """Who enrolled them."""
    enrolled_at: Timestamp
    """When."""
    revoked_at: Timestamp | None = None
    """When they were taken off; nothing of theirs counts from then on."""
    why: Reason = ""
    """Why they were taken off."""

    def good_key(self, key_id: str) -> ReviewerKey | None:
        """Return a key that is not revoked, or None."""
        if self.revoked_at is not None:
            return None
        good = [key for key in self.keys if key.key_id == key_id and key.revoked_at is None]
        return good[0] if good else None


class Registry(Mapping[str, ReviewerRecord]):
    """All reviewers and pages by id, as they were when it was read."""

    def __init__(self, records: Sequence[ReviewerRecord] = ()) -> None:
        """Hold the records."""
        self._records = {record.id: record for record in records}

    def __getitem__(self, name: str) -> ReviewerRecord:
        return self._records[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)


def load_registry(store: ObjectStore) -> Registry:
    """Read all reviewers.

    Args:
        store: Where they are enrolled.

    Returns:
        The registry; a record that cannot be read is left out, so that its reviewer is unknown.

    Raises:
        StoreError: If the store cannot be read.
    """
    records = []
    for info in store.list(REVIEWERS):
        try:
            records.append(_read(store, info.key))
        except ObjectNotFoundError:
            continue
        except ReviewerError as error:
            logger.warning("left out: %s", error)
    return Registry(records)


def enrol(store: ObjectStore, record: ReviewerRecord) -> ReviewerRecord:
    """Enrol a reviewer or a page, or add roles and keys to one who is enrolled.

    Args:
        store: Where reviewers are enrolled.
        record: The new record; roles and keys of an earlier one are kept.

    Returns:
        The record that stands now.

    Raises:
        ReviewerError: If the name is taken by another kind, was taken off, or differs from another
            one only by capitals.
        StoreError: If the store cannot be written.
    """
    alike = [name for name in load_registry(store) if name.casefold() == record.id.casefold()]
    if any(name != record.id for name in alike):
        raise ReviewerError(
            f"expected a name that differs from {alike[0]!r} by more than capitals (got "
            f"{record.id!r}); choose another one"
        )
    if store.put_if_absent(reviewer_key(record.id), record.to_json()):
        return record
    standing = _read(store, reviewer_key(record.id))
    if standing.revoked_at is not None or standing.kind != record.kind:
        raise ReviewerError(
            f"expected a new name or an enrolled {record.kind} (got {record.id!r}, a "
            f"{standing.kind}{' that was taken off' if standing.revoked_at else ''}); choose "
            "another name"
        )
    known = {key.key_id for key in standing.keys}
    joined = standing.model_copy(
        update={
            "roles": tuple(dict.fromkeys((*standing.roles, *record.roles))),
            "keys": (*standing.keys, *(key for key in record.keys if key.key_id not in known)),
        }
    )
    store.put(reviewer_key(record.id), joined.to_json())
    return joined


def revoke(
    store: ObjectStore, name: str, *, now: datetime, why: str, key_id: str | None = None
) -> ReviewerRecord:
    """Take off a reviewer or a page, or one of their keys; what was decided before stands.

    Args:
        store: Where reviewers are enrolled.
        name: Whom.
        now: Moment of it.
        why: Reason.
        key_id: Start of the key's id, at least 8 digits; None takes off the reviewer.

    Returns:
        The record that stands now.

    Raises:
        ReviewerError: If there is no such reviewer or no such key.
        StoreError: If the store cannot be written.
    """
    try:
        standing = _read(store, reviewer_key(name))
    except ObjectNotFoundError:
        raise ReviewerError(
            f"expected an enrolled reviewer (got {name!r}); see 'parley reviewers list'"
        ) from None
    changes: dict[str, object] = {"revoked_at": standing.revoked_at or now, "why": why}
    if key_id is not None:
        named = [key for key in standing.keys if key.key_id.startswith(key_id)]
        if len(named) != 1 or len(key_id) < 8:
            raise ReviewerError(
                f"expected the first digits, 8 or more, of one key of {name!r} (got {key_id!r}, "
                f"which fits {len(named)}); see 'parley reviewers list'"
            )
        gone = named[0].model_copy(update={"revoked_at": named[0].revoked_at or now})
        changes = {"keys": tuple(gone if key is named[0] else key for key in standing.keys)}
    record = standing.model_copy(update=changes)
    store.put(reviewer_key(name), record.to_json())
    return record


def _read(store: ObjectStore, key: str) -> ReviewerRecord:
    data = store.get(key, max_bytes=MAX_RECORD_BYTES)
    try:
        record = ReviewerRecord.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise ReviewerError(
            f"expected a reviewer's record at {key!r} (got {error.error_count()} fields that do "
            "not fit); restore it from the store's versions"
        ) from error
    if reviewer_key(record.id) != key or record.to_json() != data:
        raise ReviewerError(
            f"expected the record of the reviewer that {key!r} names (got other bytes); restore it "
            "from the store's versions"
        )
    return record
