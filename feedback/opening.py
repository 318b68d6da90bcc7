"""Opening a request against the champion of now: once per evidence and champion.

A request that was decided is not asked again. When the champion that it was made against was
replaced meanwhile, its decision is stale, and the same evidence opens another round, or is followed
up (``feedback.following``).
"""

import logging
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from feedback.bundle import BaseVersion, ReviewBundle, derive_request_id
from feedback.decision import Decision
from feedback.errors import ClosedRequestError, StoreError
from feedback.layout import manifest_key
from feedback.objects import ObjectStore
from feedback.policy import Policy
from feedback.publishing import publish
from feedback.recording import load_decision, record_decision, record_transition
from feedback.states import ReviewState

logger = logging.getLogger(__name__)

MOST_ROUNDS = 1000
"""Rounds that one piece of evidence may be asked about."""


def open_request(
    store: ObjectStore,
    bundle: ReviewBundle,
    files: Mapping[str, bytes],
    *,
    base: BaseVersion | None,
    policies: Collection[Policy],
    now: datetime | None = None,
    keeps_stale: bool = False,
) -> ReviewBundle:
    """Publish a request against a champion, in the first round that is not stale or expired.

    Args:
        store: Where the request goes.
        bundle: Manifest made by ``build_bundle``.
        files: Its pictures by name.
        base: The champion of now; None when there is none.
        policies: Rules whose decisions are taken.
        now: Moment of it; None takes the clock's.
        keeps_stale: Whether a request whose approval has gone stale is returned, for a follow-up
            of it, where no later round was asked yet.

    Returns:
        The manifest that stands: open, or decided and still good for this champion.

    Raises:
        StoreError: If the store cannot be written, or every round is used up.
        ArtifactError: If a decision on it is not as it was written.
    """
    moment = now or datetime.now(UTC)
    for number in range(bundle.round, MOST_ROUNDS + 1):
        standing = publish(store, _in_round(bundle, number, base), files)
        if not _is_over(store, standing, base, policies, moment):
            return standing
        if keeps_stale and _is_last_stale(store, standing):
            return standing
    raise StoreError(
        f"expected fewer than {MOST_ROUNDS} rounds about {bundle.request_id!r} (got more); move "
        "old requests out of the store"
    )


def is_current(bundle: ReviewBundle, champion: BaseVersion | None) -> bool:
    """Tell whether the champion is still the one that a request was made against.

    Args:
        bundle: The request.
        champion: The champion of now; None when there is none.

    Returns:
        True also when the request itself made it champion, alone or with those of later rounds, and
        when the network that the request explains became the first champion.
    """
    base = bundle.base
    if champion is None:
        return base is None
    if bundle.request_id in (champion.request_id, *champion.earlier):
        return True
    if base is None:
        return champion.digest == bundle.model.digest
    return (champion.name, champion.version) == (base.name, base.version)


def why_stale(bundle: ReviewBundle, champion: BaseVersion | None) -> str:
    """Return the sentence that tells why a decision on a request promotes nothing."""
    expected = f"version {bundle.base.version}" if bundle.base else "none"
    found = f"version {champion.version}" if champion else "none"
    return (
        f"expected the champion of {bundle.model.name} to be {expected}, as when the request was "
        f"made (got {found}); it is asked about once more against the new champion, by this run "
        "while review.follow_ups allows, or else by the next"
    )


def _in_round(bundle: ReviewBundle, number: int, base: BaseVersion | None) -> ReviewBundle:
    asked = bundle.model_copy(update={"round": number, "base": base})
    return asked.model_copy(update={"request_id": derive_request_id(asked)})


def _is_last_stale(store: ObjectStore, bundle: ReviewBundle) -> bool:
    decision = load_decision(store, bundle.request_id)
    following = _in_round(bundle, bundle.round + 1, None)
    return (
        decision is not None
        and decision.state is ReviewState.STALE
        and not store.exists(manifest_key(following.request_id))
    )


def _is_over(
    store: ObjectStore,
    bundle: ReviewBundle,
    champion: BaseVersion | None,
    policies: Collection[Policy],
    now: datetime,
) -> bool:
    """Tell whether a request lets nothing go on but its time or its champion has passed."""
    request_id = bundle.request_id
    decision = load_decision(store, request_id, policies=policies)
    if decision is not None and decision.state in (ReviewState.STALE, ReviewState.EXPIRED):
        return True
    if is_current(bundle, champion):
        return False
    try:
        return _close(store, bundle, decision, policies, why_stale(bundle, champion), now)
    except ClosedRequestError:
        # Somebody decided at the same moment: what stands now is looked at once more.
        decision = load_decision(store, request_id, policies=policies)
        return _close(store, bundle, decision, policies, why_stale(bundle, champion), now)


def _close(
    store: ObjectStore,
    bundle: ReviewBundle,
    decision: Decision | None,
    policies: Collection[Policy],
    reason: str,
    now: datetime,
) -> bool:
    if decision is None:
        rule, withdrawn = next(iter(policies)), ReviewState.WITHDRAWN
        try:
            record_decision(store, bundle, withdrawn, policy=rule, reason=reason, now=now)
        except StoreError as error:
            # Where the watcher alone may decide, the request stays open until its deadline. An
            # approval of it promotes nothing, and a store that is away refuses the next round too.
            logger.warning("%s is outdated and cannot be withdrawn: %s", bundle.request_id, error)
        return True
    if decision.state is ReviewState.APPROVED:
        record_transition(store, bundle.request_id, ReviewState.STALE, reason=reason, now=now)
        return True
    # Revoked or refused: that was said of the evidence and stands, whatever is champion.
    return decision.state in (ReviewState.WITHDRAWN, ReviewState.STALE, ReviewState.PROMOTED)
