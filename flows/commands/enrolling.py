"""What ``parley reviewers add`` writes: a checked record, and its entry in the audit log."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import ValidationError

from feedback.audit import AuditLog
from feedback.entering import enter_reviewer
from feedback.errors import ReviewerError
from feedback.objects import ObjectStore
from feedback.reviewers import ReviewerKey, ReviewerRecord, enrol
from feedback.signing import key_id_of


def new_record(
    name: str, roles: Sequence[str], keys: Sequence[str], *, is_page: bool, by: str, now: datetime
) -> ReviewerRecord:
    """Make the record of a reviewer or a page.

    Args:
        name: Name that documents are written under.
        roles: Roles of a person.
        keys: Public keys, base64.
        is_page: Whether it is a page.
        by: Who enrols.
        now: Moment of enrolling.

    Returns:
        The record.

    Raises:
        ReviewerError: If a name or key is not allowed, or a page would have roles or lack a key.
    """
    if is_page and (roles or not keys):
        raise ReviewerError(
            "expected a page with a key and without roles (got otherwise); give --generate or "
            "--public-key, and no --role"
        )
    if not is_page and not roles:
        raise ReviewerError(
            "expected a role of the policy (got none); give --role, such as --role reviewer"
        )
    enrolled = [ReviewerKey(key_id=key_id_of(key), public_key=key, enrolled_at=now) for key in keys]
    try:
        return ReviewerRecord(
            id=name,
            kind="page" if is_page else "person",
            roles=tuple(roles),
            keys=tuple(enrolled),
            enrolled_by=by,
            enrolled_at=now,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ReviewerError(
            f"expected names of letters, digits, '_', '.', '@' and '-' (got {first['input']!r} for "
            f"{first['loc'][0]}); correct it"
        ) from None


def stand(store: ObjectStore, record: ReviewerRecord, now: datetime) -> ReviewerRecord:
    """Enrol, and enter it in the audit log.

    Args:
        store: Where reviewers are enrolled.
        record: The record.
        now: Moment of enrolling.

    Returns:
        The record that stands.

    Raises:
        ReviewerError: If the name cannot be enrolled.
        StoreError: If the store cannot be written.
    """
    log = AuditLog(store)
    # A broken log is told before anything is written that it should tell of.
    log.refresh()
    standing = enrol(store, record)
    enter_reviewer(store, log, standing, now)
    return standing
