"""Waiting for a decision where no watcher runs: the waiting process judges the uploads itself."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from feedback.bundle import ReviewBundle
from feedback.decision import Decision, ReviewState
from feedback.errors import ClosedRequestError, ObjectNotFoundError, StoreError
from feedback.inbox import examine, pending
from feedback.objects import ObjectStore
from feedback.publishing import load_bundle
from feedback.recording import decide_single, load_decision, record_decision
from feedback.rejections import reject

logger = logging.getLogger(__name__)

_LONGEST_PAUSE = 30.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


def wait_for_decision(
    store: ObjectStore,
    request_id: str,
    *,
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
        poll_seconds: Pause between looks, seconds.
        deadline: When to give up; None takes the request's own, if it has one.
        on_wait: Told the seconds waited so far after every look that found no decision.
        patience: Longest outage of the store that is sat out, seconds.
        now: The time of day, with its zone.
        clock: Seconds that only grow.
        sleep: Waits some seconds.

    Returns:
        The decision. A request that nobody answered in time is EXPIRED, which approves nothing.

    Raises:
        ObjectNotFoundError: If there is no such request.
        ArtifactError: If the manifest or the decision was changed in the store.
        StoreError: If the store did not answer for longer than ``patience``.
    """
    started = answered = clock()
    pause = poll_seconds
    bundle: ReviewBundle | None = None
    while True:
        try:
            bundle = bundle or load_bundle(store, request_id)
            decision = _look(store, bundle, deadline or bundle.deadline, now())
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


def _look(
    store: ObjectStore, bundle: ReviewBundle, deadline: datetime | None, moment: datetime
) -> Decision | None:
    # Whoever decided, the object that stands is what counts: it is read back and verified.
    decision = load_decision(store, bundle.request_id)
    if decision is not None:
        return decision
    uploads = pending(store, bundle.request_id)
    for number, upload in enumerate(uploads):
        if deadline is not None and upload.modified > deadline:
            late = f"expected an answer by {deadline.isoformat()} (got it later); wait for the next"
            reject(store, bundle.request_id, upload.key, ClosedRequestError(late), now=moment)
            continue
        checked = examine(store, bundle, upload, now=moment)
        if checked is not None:
            try:
                decide_single(store, bundle, checked, now=moment)
            except ClosedRequestError:
                logger.info("another watcher decided %s first", bundle.request_id)
            # The others came too late and are told so.
            for other in uploads[number + 1 :]:
                examine(store, bundle, other, now=moment)
            return load_decision(store, bundle.request_id)
    if deadline is not None and moment >= deadline:
        reason = f"expected an answer by {deadline.isoformat()} (got none)"
        try:
            record_decision(
                store, bundle, ReviewState.EXPIRED, policy="single", reason=reason, now=moment
            )
        except ClosedRequestError:
            logger.info("another watcher decided %s first", bundle.request_id)
        return load_decision(store, bundle.request_id)
    return None
