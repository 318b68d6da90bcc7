"""Checking an audit log against itself and against what it tells of, without any server."""

from collections.abc import Mapping
from dataclasses import dataclass

from feedback.audit import AuditEntry, AuditLog
from feedback.canonical import sha256_hex
from feedback.closed import decided_requests
from feedback.errors import ArtifactError, AuditError, ObjectNotFoundError
from feedback.layout import DECISIONS, PROMOTIONS, REJECTIONS, REVIEWERS
from feedback.objects import ObjectStore
from feedback.recording import load_decisions


@dataclass(frozen=True)
class AuditCheck:
    """What a check found.

    Attributes:
        entries: Links that hold, counted from the start.
        head: Digest of the last of them; kept elsewhere, it shows later that none was cut off.
        broken: The first broken link and what is wrong with it; empty when all hold.
        changed: Objects that are not as the log says, decisions, reviewers and moves of the
            champion that it does not know, and decisions that do not follow from their rule.
    """

    entries: int
    head: str
    broken: str = ""
    changed: tuple[str, ...] = ()

    @property
    def is_intact(self) -> bool:
        """Whether everything is as it was written."""
        return not self.broken and not self.changed


def verify(store: ObjectStore, *, head: str | None = None) -> AuditCheck:
    """Check the whole audit log of a store, or of a copy of it.

    A chain cannot show by itself that its last entries were cut off. Decisions and moves of the
    champion that it does not tell of show it, and so does a head that was noted down before.

    Args:
        store: The store.
        head: Digest of an entry that must be in the log.

    Returns:
        What was found; the first broken link is named by its key.

    Raises:
        StoreError: If the store cannot be read.
    """
    log = AuditLog(store)
    latest: dict[str, AuditEntry] = {}
    heads: set[str] = set()
    try:
        for entry in log.refresh():
            latest[entry.subject] = entry
            heads.add(entry.previous_sha256)
    except AuditError as error:
        return AuditCheck(log.length, log.head, str(error))
    broken = ""
    if head is not None and head not in heads | {log.head}:
        broken = f"expected an entry of digest {head} (got a log without it): entries are missing"
    if broken:
        return AuditCheck(log.length, log.head, broken)
    changed = _changed(store, latest)
    # What is not the object that was entered need not be told of twice.
    return AuditCheck(log.length, log.head, "", changed or _underived(store))


def _changed(store: ObjectStore, latest: Mapping[str, AuditEntry]) -> tuple[str, ...]:
    found = []
    for key, entry in sorted(latest.items()):
        try:
            is_same = sha256_hex(store.get(key)) == entry.subject_sha256
        except ObjectNotFoundError:
            # Rejections may be cleared away after a time; decisions and reviewers may not.
            is_same = key.startswith(REJECTIONS)
        if not is_same:
            found.append(f"{key} is not the object that entry {entry.sequence} tells of")
    for prefix in (DECISIONS, PROMOTIONS, REVIEWERS):
        found += [
            f"{info.key} is not in the log"
            for info in store.list(prefix)
            # That the aliases followed a move is noted beside it and says nothing of its own.
            if info.key not in latest and not _is_done_note(info.key)
        ]
    return tuple(found)


def _underived(store: ObjectStore) -> tuple[str, ...]:
    """Derive every decision again from its rule, its answers and what was shown."""
    found = []
    for request_id in decided_requests(store):
        try:
            load_decisions(store, request_id)
        except (ArtifactError, ObjectNotFoundError) as error:
            found.append(f"decisions on {request_id} cannot be derived again: {error}")
    return tuple(found)


def _is_done_note(key: str) -> bool:
    return key.startswith(PROMOTIONS) and key.endswith(".done")
