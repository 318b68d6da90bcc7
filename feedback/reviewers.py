"""Who may answer: reviewers and pages, each by numbered records of which the latest stands.

The first is ``reviewers/<id>.json``, further ones ``reviewers/<id>/<seq>.json``; each is written
once. Earlier versions wrote the first anew at each change, and it is read as they left it.
Only operators write this prefix. A change is recorded in the audit log by whoever makes it.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    Field,
    ValidationError,
    model_validator,
)

from feedback.errors import ObjectNotFoundError, ReviewerError, StoreError
from feedback.fields import Exchanged, Grown, Identifier, Reason, Sha256, StoredDocument, Timestamp
from feedback.layout import REVIEWERS, parse_reviewer_key, reviewer_key
from feedback.objects import ObjectStore
from feedback.signing import PublicKey, key_id_of

logger = logging.getLogger(__name__)

MAX_RECORD_BYTES = 262_144
"""Largest record that is read."""

_MOST_ATTEMPTS = 100


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


class ReviewerRecord(Grown, StoredDocument):
    """A reviewer, or a page that signs for reviewers."""

    LATER: ClassVar = ("sequence",)

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
    sequence: Annotated[int, Field(ge=1)] = 1
    """Which record of theirs it is, from 1; the latest stands."""

    @property
    def revocations(self) -> int:
        """How much of it was taken back: keys, and the reviewer."""
        taken = (self.revoked_at, *(key.revoked_at for key in self.keys))
        return sum(moment is not None for moment in taken)

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
    latest: dict[str, int] = {}
    for info in store.list(REVIEWERS):
        named = parse_reviewer_key(info.key)
        if named is None:
            logger.warning("left out: expected a reviewer's record (got %r)", info.key)
            continue
        latest[named[0]] = max(named[1], latest.get(named[0], 0))
    records = []
    for name, sequence in latest.items():
        try:
            # Never an earlier one in place of one that cannot be read: it may tell of a revocation.
            records.append(_read(store, reviewer_key(name, sequence)))
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

    def joined(standing: ReviewerRecord | None) -> ReviewerRecord:
        if standing is None:
            return record
        if standing.revoked_at is not None or standing.kind != record.kind:
            raise ReviewerError(
                f"expected a new name or an enrolled {record.kind} (got {record.id!r}, a "
                f"{standing.kind}{' that was taken off' if standing.revoked_at else ''}); choose "
                "another name"
            )
        known = {key.key_id for key in standing.keys}
        return standing.model_copy(
            update={
                "roles": tuple(dict.fromkeys((*standing.roles, *record.roles))),
                "keys": (*standing.keys, *(key for key in record.keys if key.key_id not in known)),
            }
        )

    return _change(store, record.id, joined)


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

    def taken_off(standing: ReviewerRecord | None) -> ReviewerRecord:
        if standing is None:
            raise ReviewerError(
                f"expected an enrolled reviewer (got {name!r}); see 'parley reviewers list'"
            )
        if key_id is None:
            since = standing.revoked_at or now
            return standing.model_copy(update={"revoked_at": since, "why": why})
        named = [key for key in standing.keys if key.key_id.startswith(key_id)]
        if len(named) != 1 or len(key_id) < 8:
            raise ReviewerError(
                f"expected the first digits, 8 or more, of one key of {name!r} (got {key_id!r}, "
                f"which fits {len(named)}); see 'parley reviewers list'"
            )
        gone = named[0].model_copy(update={"revoked_at": named[0].revoked_at or now})
        keys = tuple(gone if key is named[0] else key for key in standing.keys)
        return standing.model_copy(update={"keys": keys})

    return _change(store, name, taken_off)


def _change(
    store: ObjectStore, name: str, change: Callable[[ReviewerRecord | None], ReviewerRecord]
) -> ReviewerRecord:
    """Write a record anew under the next number, made from the one that stands at that moment.

    Of two who change a record at once one finds the number taken, and changes what the other wrote:
    no change is ever lost, least of all a revocation.
    """
    for _ in range(_MOST_ATTEMPTS):
        standing = _standing(store, name)
        changed = change(standing)
        if changed == standing:
            return changed
        following = 1 if standing is None else standing.sequence + 1
        changed = changed.model_copy(update={"sequence": following})
        if store.put_if_absent(reviewer_key(name, changed.sequence), changed.to_json()):
            return changed
    raise StoreError(
        f"expected to be the only one who changes the record of {name!r} (got others "
        f"{_MOST_ATTEMPTS} times); try again"
    )


def _standing(store: ObjectStore, name: str) -> ReviewerRecord | None:
    """Read the latest record of a reviewer; None if there is none."""
    keys = [info.key for info in store.list(f"{REVIEWERS}{name}")]
    found = [named for named in map(parse_reviewer_key, keys) if named and named[0] == name]
    return _read(store, reviewer_key(*max(found))) if found else None


def load_record(store: ObjectStore, name: str, sequence: int) -> ReviewerRecord:
    """Read one record of a reviewer, be it the latest or not.

    Raises:
        ObjectNotFoundError: If there is none.
        ReviewerError: If it is not as it was written.
        StoreError: If the store cannot be read.
    """
    return _read(store, reviewer_key(name, sequence))


def _read(store: ObjectStore, key: str) -> ReviewerRecord:
    data = store.get(key, max_bytes=MAX_RECORD_BYTES)
    try:
        record = ReviewerRecord.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise ReviewerError(
            f"expected a reviewer's record at {key!r} (got {error.error_count()} fields that do "
            "not fit); restore it from the store's versions"
        ) from error
    if reviewer_key(record.id, record.sequence) != key or record.to_json() != data:
        raise ReviewerError(
            f"expected the record of the reviewer that {key!r} names (got other bytes); restore it "
            "from the store's versions"
        )
    return record
