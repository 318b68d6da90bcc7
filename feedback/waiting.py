"""Waiting for a decision where no watcher runs: the waiting process judges the uploads itself."""

import logging
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime

from feedback.audit import AuditLog
from feedback.bundle import ReviewBundle
from feedback.decision import Decision
from feedback.entering import enter_decisions, enter_rejections
from feedback.errors import ObjectNotFoundError, StoreError
from feedback.inbox import pending
from feedback.layout import rejection_prefix
from feedback.objects import ObjectStore
from feedback.policy import Policy, single_policy
from feedback.publishing import load_bundle
from feedback.recording import load_decision
from feedback.reviewers import load_registry
from feedback.settling import Settlement

logger = logging.getLogger(__name__)

_LONGEST_PAUSE = 30.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


def wait_for_decision(
    store: ObjectStore,
    request_id: str,
    *,
    policy: Policy | None = None,
    trusted: Collection[Policy] = (),
    poll_seconds: float = 0.5,
    deadline: datetime | None = None,
    on_wait: Callable[[float], None] | None = None,
    patience: float = 600.0,
    now: Callable[[], datetime] = _utc_now,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Decision:
    """Wait until a request is decided, judging uploads as they come.

    A refused upload gets its rejection and leaves the request open. A store that does not answer is
    asked again with growing pauses.

    Args:
        store: Where the request lies.
        request_id: Which request.
        policy: The rule; None takes ``single``, by which the first valid answer decides.
        trusted: Other rules by which it may have been decided before.
        poll_seconds: Pause between looks, seconds.
        deadline: When to give up; None takes the request's own, or the policy's.
        on_wait: Told the seconds waited so far after every look that found no decision.
        patience: Longest outage of the store that is sat out, seconds.
        now: The time of day, with its zone.
        clock: Seconds that only grow.
        sleep: Waits some seconds.

    Returns:
        The decision. A request that nobody answered in time is EXPIRED, which approves nothing.

    Raises:
        ObjectNotFoundError: If there is no such request.
        ArtifactError: If the manifest or the decision was changed in the store, or the decision
            was made by a rule that is not taken.
        StoreError: If the store did not answer for longer than ``patience``.
    """
    started = answered = clock()
    pause = poll_seconds
    bundle: ReviewBundle | None = None
    rule, log = policy or single_policy(), AuditLog(store)
    while True:
        try:
            bundle = bundle or load_bundle(store, request_id)
            decision = _look(store, bundle, rule, trusted, log, deadline, now())
            answered, pause = clock(), poll_seconds
        except ObjectNotFoundError:
            raise
        except StoreError as error:
            if clock() - answered > patience:
                raise
            decision, pause = None, min(_LONGEST_PAUSE, max(pause, 0.1) * 2)
            logger.warning("the store does not answer, next try in %.1f s: %s", pause, error)
        if decision is not None:
            return decision
        if on_wait is not None:
            on_wait(clock() - started)
        sleep(pause)


def look_for_decision(
    store: ObjectStore,
    request_id: str,
    *,
    policy: Policy | None = None,
    trusted: Collection[Policy] = (),
    now: Callable[[], datetime] = _utc_now,
) -> Decision | None:
    """Judge what lies in a request's inbox, and return the decision if there is one by then.

    Args:
        store: Where the request lies.
        request_id: Which request.
        policy: The rule; None takes ``single``.
        trusted: Other rules by which it may have been decided before.
        now: The time of day, with its zone.

    Returns:
        The decision, or None while the request is open.

    Raises:
        ObjectNotFoundError: If there is no such request.
        ArtifactError: If the manifest or the decision was changed in the store.
        StoreError: If the store does not answer.
    """
    bundle, rule = load_bundle(store, request_id), policy or single_policy()
    return _look(store, bundle, rule, trusted, AuditLog(store), None, now())


def _look(
    store: ObjectStore,
    bundle: ReviewBundle,
    policy: Policy,
    trusted: Collection[Policy],
    log: AuditLog,
    deadline: datetime | None,
    moment: datetime,
) -> Decision | None:
    # Whoever decided, the object that stands is what counts: it is read back and verified.
    request_id, taken = bundle.request_id, (policy, *trusted)
    if load_decision(store, request_id, policies=taken) is None:
        request = Settlement(
            store,
            bundle,
            policy=policy,
            registry=load_registry(store),
            now=moment,
            deadline=deadline,
        )
        if request.settle(pending(store, request_id))[1] is None:
            return None
    log.refresh()
    refused = [info.key for info in store.list(rejection_prefix(request_id))]
    enter_rejections(store, log, refused, moment)
    enter_decisions(store, log, request_id, moment)
    return load_decision(store, request_id, policies=taken)
