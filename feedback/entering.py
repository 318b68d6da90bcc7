"""Entering in the audit log what lies in the store and is not entered yet.

Decisions are written first and entered after, so a process that dies in between leaves a decision
that is not entered: the next step, by whoever makes it, enters it.
"""

from collections.abc import Iterable
from datetime import datetime

from pydantic import ValidationError

from feedback.audit import AuditEntry, AuditLog, Event, EventKind
from feedback.canonical import sha256_hex
from feedback.decision import Decision
from feedback.errors import ObjectNotFoundError, ReviewerError
from feedback.layout import decision_key, reviewer_key
from feedback.objects import ObjectStore
from feedback.recording import load_decisions
from feedback.rejections import Rejection
from feedback.reviewers import ReviewerRecord, load_record
from feedback.states import ReviewState

_KINDS: dict[ReviewState, EventKind] = {
    ReviewState.PROMOTED: "promotion",
    ReviewState.REVOKED: "revocation",
}


def enter_decisions(
    store: ObjectStore, log: AuditLog, request_id: str, now: datetime
) -> tuple[AuditEntry, ...]:
    """Enter a request's decisions, promotion and revocation included.

    Args:
        store: Where they lie.
        log: The log, refreshed.
        request_id: Which request.
        now: Moment of entering.

    Returns:
        The new entries.

    Raises:
        ArtifactError: If a decision or the log is not as it was written; nothing false is entered.
        StoreError: If the store cannot be read or written.
    """
    entries = []
    for decision in load_decisions(store, request_id):
        event = Event(
            kind=_KINDS.get(decision.state, "decision"),
            subject=decision_key(request_id, decision.sequence),
            subject_sha256=decision.digest,
            summary=_summary(decision),
        )
        entries.append(log.append(event, now))
    return tuple(entry for entry in entries if entry is not None)


def _summary(decision: Decision) -> str:
    told = f"{decision.state.value} by policy {decision.policy}"
    return f"{told}, approved by its rule and by no person" if decision.by_rule else told


def enter_rejections(
    store: ObjectStore, log: AuditLog, keys: Iterable[str], now: datetime
) -> tuple[AuditEntry, ...]:
    """Enter rejections that are not in the log.

    Args:
        store: Where they lie.
        log: The log, refreshed.
        keys: Keys of rejections.
        now: Moment of entering.

    Returns:
        The new entries.

    Raises:
        AuditError: If the log is not as it was written.
        StoreError: If the store cannot be read or written.
    """
    entries = []
    for key in keys:
        if key in log.subjects():
            continue
        try:
            data = store.get(key)
        except ObjectNotFoundError:
            continue
        event = Event("rejection", key, sha256_hex(data), _told(data))
        entries.append(log.append(event, now))
    return tuple(entry for entry in entries if entry is not None)


def enter_reviewer(
    store: ObjectStore, log: AuditLog, record: ReviewerRecord, now: datetime
) -> tuple[AuditEntry, ...]:
    """Enter what was changed about a reviewer up to a record, and is not in the log.

    Args:
        store: Where the records lie.
        log: The log.
        record: The record that stands now.
        now: Moment of entering.

    Returns:
        The new entries: of this record, and of earlier ones whose writer died before entering them.

    Raises:
        AuditError: If the log is not as it was written.
        StoreError: If the store cannot be read or written.
    """
    log.refresh()
    entries, revocations = [], 0
    for sequence in range(1, record.sequence + 1):
        try:
            written = load_record(store, record.id, sequence)
        except (ObjectNotFoundError, ReviewerError):
            # Whoever verifies the log is told of it; it must not keep what follows out.
            continue
        kind: EventKind = "revocation" if written.revocations > revocations else "enrolment"
        revocations = written.revocations
        if reviewer_key(record.id, sequence) not in log.subjects():
            entries.append(log.append(_event(written, kind), now))
    return tuple(entry for entry in entries if entry is not None)


def _event(record: ReviewerRecord, kind: EventKind) -> Event:
    return Event(
        kind=kind,
        subject=reviewer_key(record.id, record.sequence),
        subject_sha256=record.digest,
        summary=f"{record.kind} {record.id}, roles: {', '.join(record.roles) or 'none'}, "
        f"keys: {', '.join(key.key_id[:12] for key in record.keys) or 'none'}",
    )


def _told(data: bytes) -> str:
    try:
        rejection = Rejection.model_validate_json(data, strict=True)
    except ValidationError:
        return "not readable as a rejection"
    return f"{rejection.kind}: {rejection.key}"
