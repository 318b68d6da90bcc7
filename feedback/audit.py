"""The audit log: one hash chain over everything that was decided, in the store.

::

    audit/start.json              what the chain hangs from
    audit/<yyyy-mm>/<seq>.json    entry n holds the digest of entry n-1

An entry is filed under the month of the entry before it. Both of two writers know that month, so
they meet at one key, where put-if-absent lets one of them in; the other one writes the next entry.
"""

import logging
import secrets
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from feedback.canonical import canonical_json, sha256_hex
from feedback.errors import AuditError, ObjectNotFoundError, StoreError
from feedback.fields import Exchanged, Sha256, Timestamp
from feedback.layout import AUDIT, AUDIT_START, audit_key
from feedback.objects import ObjectStore

logger = logging.getLogger(__name__)

EventKind = Literal["decision", "promotion", "revocation", "rejection", "enrolment"]
"""What happened."""

MAX_ENTRY_BYTES = 65_536
"""Largest entry that is read."""

_MOST_RIVALS = 10_000

_Link = TypeVar("_Link", bound=BaseModel)


class AuditStart(Exchanged):
    """What the chain hangs from; tells one log from another."""

    schema_version: Literal[1] = 1
    """Version of this schema."""
    log_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    """Random name of the log."""
    recorded_at: Timestamp
    """When the log was begun."""


class AuditEntry(Exchanged):
    """One link of the chain."""

    schema_version: Literal[1] = 1
    """Version of this schema."""
    sequence: Annotated[int, Field(ge=1)]
    """Number in the whole log, from 1."""
    previous_sha256: Sha256
    """Digest of the entry before, or of the log's start."""
    kind: EventKind
    """What happened."""
    subject: Annotated[str, Field(min_length=1, max_length=1000)]
    """Key of the object that tells it whole."""
    subject_sha256: Sha256
    """Digest of that object."""
    summary: Annotated[str, Field(max_length=500)] = ""
    """What it says, in a few words."""
    recorded_at: Timestamp
    """When it was entered."""
    sha256: Sha256
    """Digest of all the rest, which the next entry holds."""

    def sealed(self) -> "AuditEntry":
        """Return the entry with the digest that belongs to it."""
        rest = self.model_dump(mode="json", exclude={"sha256"})
        return self.model_copy(update={"sha256": sha256_hex(canonical_json(rest))})


@dataclass(frozen=True)
class Event:
    """Something to be entered in the log.

    Attributes:
        kind: What happened.
        subject: Key of the object that tells it whole.
        subject_sha256: Digest of that object.
        summary: What it says, in a few words.
    """

    kind: EventKind
    subject: str
    subject_sha256: str
    summary: str = ""


class AuditLog:
    """The log of a store, read as far as it was needed.

    Keep one for the life of a process: it reads only what was added since it last looked.
    """

    def __init__(self, store: ObjectStore) -> None:
        """Open the log of a store; nothing is read yet."""
        self._store = store
        self._start: AuditStart | None = None
        self._head = ""
        self._last: AuditEntry | None = None
        self._is_walked = False
        self._entered: set[tuple[str, str, str]] = set()
        self._subjects: set[str] = set()

    @property
    def length(self) -> int:
        """Entries read so far."""
        return self._last.sequence if self._last else 0

    @property
    def head(self) -> str:
        """Digest of the last entry read; empty before the log begins."""
        return self._head

    @property
    def next_key(self) -> str:
        """Key of the entry after the last one read.

        Raises:
            AuditError: If the log has no start.
        """
        return audit_key(f"{self._recorded_at():%Y-%m}", self.length + 1)

    def subjects(self) -> AbstractSet[str]:
        """Return the keys of all objects that entries tell of, as far as was read."""
        return self._subjects

    def refresh(self) -> tuple[AuditEntry, ...]:
        """Read what was added and verify that it continues the chain.

        Returns:
            The new entries.

        Raises:
            AuditError: If an entry is not the one that was written.
            StoreError: If the store cannot be read.
        """
        # Listed before it is walked: what is listed and not reached lies beyond a missing link.
        listed = {info.key for info in self._store.list(AUDIT)} if not self._is_walked else set()
        if self._start is None:
            data = self._read(AUDIT_START)
            if data is None:
                if listed:
                    raise _broken(AUDIT_START, "it is missing")
                return ()
            self._start = _parsed(AuditStart, data, AUDIT_START)
            self._head = sha256_hex(data)
        added = []
        while (data := self._read(self.next_key)) is not None:
            entry = _parsed(AuditEntry, data, self.next_key)
            self._check_link(entry)
            self._advance(entry)
            added.append(entry)
        if len(listed) > self.length + 1:
            raise _broken(self.next_key, "it is missing, but there are entries beyond it")
        self._is_walked = True
        return tuple(added)

    def append(self, event: Event, now: datetime) -> AuditEntry | None:
        """Enter an event, once, whoever else enters it or something else at the same time.

        Args:
            event: What happened.
            now: Moment of entering; never before the entry before.

        Returns:
            The new entry, or None when the event was entered before.

        Raises:
            AuditError: If the log is not the chain that was written.
            StoreError: If the store cannot be read or written.
        """
        self._begin(now)
        identity = (event.kind, event.subject, event.subject_sha256)
        for _ in range(_MOST_RIVALS):
            # All entries before the one to be written are known, so none of them is this event.
            self.refresh()
            if identity in self._entered:
                return None
            entry = AuditEntry(
                sequence=self.length + 1,
                previous_sha256=self._head,
                kind=event.kind,
                subject=event.subject,
                subject_sha256=event.subject_sha256,
                summary=event.summary[:500],
                recorded_at=max(now, self._recorded_at()),
                sha256="0" * 64,
            ).sealed()
            data = canonical_json(entry.model_dump(mode="json"))
            if self._store.put_if_absent(self.next_key, data):
                self._advance(entry)
                return entry
        raise StoreError(
            f"expected to enter {event.kind} in the audit log (got {_MOST_RIVALS} other writers "
            "before); try again"
        )

    def _begin(self, now: datetime) -> None:
        self.refresh()
        if self._start is None:
            start = AuditStart(log_id=secrets.token_hex(16), recorded_at=now)
            self._store.put_if_absent(AUDIT_START, canonical_json(start.model_dump(mode="json")))

    def _recorded_at(self) -> datetime:
        standing = self._last or self._start
        if standing is None:
            raise AuditError(
                f"expected the start of the audit log at {AUDIT_START!r} (got none); restore it "
                "from the store's versions"
            )
        return standing.recorded_at

    def _advance(self, entry: AuditEntry) -> None:
        self._last, self._head = entry, entry.sha256
        self._entered.add((entry.kind, entry.subject, entry.subject_sha256))
        self._subjects.add(entry.subject)

    def _check_link(self, entry: AuditEntry) -> None:
        if entry.sealed() != entry:
            raise _broken(self.next_key, "it was changed: its digest does not fit")
        if entry.sequence != self.length + 1:
            raise _broken(self.next_key, f"it is entry {entry.sequence}, moved here")
        if entry.previous_sha256 != self._head:
            raise _broken(self.next_key, "the entry before it is not the one it was chained to")
        if entry.recorded_at < self._recorded_at():
            raise _broken(self.next_key, "it was recorded before the entry before it")

    def _read(self, key: str) -> bytes | None:
        try:
            return self._store.get(key, max_bytes=MAX_ENTRY_BYTES)
        except ObjectNotFoundError:
            return None


def _parsed(model: type[_Link], data: bytes, key: str) -> _Link:
    try:
        link = model.model_validate_json(data, strict=True)
    except ValidationError:
        raise _broken(key, "it was changed: it does not follow the schema") from None
    if canonical_json(link.model_dump(mode="json")) != data:
        raise _broken(key, "it was changed: other bytes than were written")
    return link


def _broken(key: str, what: str) -> AuditError:
    return AuditError(
        f"expected the audit log as it was written (got a broken link at {key!r}: {what}); restore "
        "it from the store's versions"
    )
