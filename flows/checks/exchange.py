"""Checks of the exchange with people: object storage, policy, who is enrolled, audit log."""

from feedback.errors import AuditError, ReviewerError
from feedback.objects import ObjectStore
from feedback.policy import Policy
from feedback.reviewers import Registry
from tasks.settings import Settings


def object_storage() -> str:
    """Check that the store can be written and keeps its promise of one winner.

    Raises:
        StoreError: If it does not.
    """
    from feedback.probing import probe_conditional_writes

    objects = _objects()
    probe_conditional_writes(objects)
    return f"{objects.url} takes writes, one writer winning"


def policy() -> str | None:
    """Check that the policy file of the watcher reads, where one is named.

    Raises:
        PolicyError: If it does not.
    """
    from feedback.policy_file import PACKAGED, load_policy

    name = Settings().policy
    if name in PACKAGED:
        return None
    rule = load_policy(name)
    return f"{rule.name} of {name}: {', '.join(rule.roles)}"


def reviewers() -> str | None:
    """Check that the page's key is enrolled and every role of the policy has somebody.

    Raises:
        PolicyError: If the policy does not read.
        ReviewerError: If a key or a role is nobody's.
    """
    from feedback.policy_file import load_policy
    from feedback.reviewers import load_registry

    settings, registry = Settings(), load_registry(_objects())
    told = _page(settings, registry)
    told += _people(load_policy(settings.policy), registry)
    return ", ".join(told) or None


def audit_log() -> str | None:
    """Check the audit log and what it tells of, where it was begun.

    Raises:
        AuditError: If something is not as it was written.
    """
    from feedback.audit_check import verify

    check = verify(_objects())
    if check.broken:
        raise AuditError(check.broken)
    if check.changed:
        raise AuditError(
            f"expected the objects that the audit log tells of (got {len(check.changed)} that "
            f"differ, first: {check.changed[0]}); see `parley audit verify`, and restore them "
            "from the store's versions"
        )
    return f"{check.entries} entries, unbroken" if check.entries else None


def _objects() -> ObjectStore:
    from feedback.store import BRIEF_PATIENCE, open_store

    # Whether the store keeps its promises is a check of its own.
    return open_store(Settings().store_url(), probe=False, patience=BRIEF_PATIENCE)


def _page(settings: Settings, registry: Registry) -> list[str]:
    from feedback.signing import load_key

    if settings.page_key is None:
        return []
    key, name = load_key(settings.page_key), settings.page_name
    record = registry.get(name)
    if record is None or record.kind != "page" or record.good_key(key.key_id) is None:
        raise ReviewerError(
            f"expected the page {name!r} enrolled with the key of {settings.page_key} (got none "
            f"that is good); run `parley reviewers add {name} --page --public-key "
            f"{key.public_key}`, or correct PARLEY_PAGE_NAME"
        )
    return [f"page {name} signs"]


def _people(rule: Policy, registry: Registry) -> list[str]:
    people = [
        found for found in registry.values() if found.kind == "person" and not found.revoked_at
    ]
    for role, seats in rule.roles.items():
        if not seats.anyone and not any(role in person.roles for person in people):
            raise ReviewerError(
                f"expected somebody enrolled as {role!r}, as the policy {rule.name!r} asks (got "
                f"nobody); run `parley reviewers add NAME --role {role} --generate NAME.key`"
            )
    return [f"{len(people)} enrolled"] if people else []
