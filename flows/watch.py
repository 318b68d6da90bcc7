"""The watcher: judges what reviewers hand in, decides, tells people, and wakes waiting runs.

Any number may run at once; whatever they do twice is written once. One that dies is replaced by
starting another.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from prefect import flow

from feedback.audit import AuditLog
from feedback.errors import AuditError, StoreError
from feedback.kept import Kept
from feedback.objects import ObjectStore
from feedback.policy import Policy
from feedback.policy_file import load_policy
from feedback.watching import WatchReport, watch_once
from tasks.notifying import Notifier, open_notifier
from tasks.settings import Settings
from tasks.waking import wake_runs
from tasks.workplace import open_workplace

logger = logging.getLogger(__name__)

_LONGEST_PAUSE = 60.0


@flow(name="watch")
def watch(policy: str = "", every_seconds: float = 5.0, rounds: int | None = None) -> int:
    """Watch the store of this installation.

    Args:
        policy: The rule; empty takes the setting ``PARLEY_POLICY``.
        every_seconds: Pause between two looks.
        rounds: How often to look; None does not end.

    Returns:
        Requests that were decided.
    """
    settings = Settings()
    return keep_watch(
        open_workplace(settings).objects,
        load_policy(policy or settings.policy),
        every_seconds=every_seconds,
        notifier=open_notifier(settings.page_url),
        rounds=rounds,
    )


def keep_watch(
    store: ObjectStore,
    policy: Policy,
    *,
    every_seconds: float,
    notifier: Notifier,
    rounds: int | None = None,
    on_report: Callable[[WatchReport], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Look again and again; a store that is away is asked again with growing pauses.

    Args:
        store: Where requests lie.
        policy: The rule for all of them.
        every_seconds: Pause between two looks.
        notifier: Tells people.
        rounds: How often to look; None does not end.
        on_report: Told of every look that came to its end.
        sleep: Waits some seconds.

    Returns:
        Requests that were decided.

    Raises:
        StoreError: If the last of a number of rounds could not reach the store.
        AuditError: If the audit log is not as it was written in the last of a number of rounds.
    """
    log, done, decided, pause = AuditLog(store), 0, 0, every_seconds
    kept = Kept(store)
    while True:
        done += 1
        try:
            report = watch_round(store, policy, notifier, log, kept)
            decided, pause = decided + len(report.decisions), every_seconds
            if on_report is not None:
                on_report(report)
        except (AuditError, StoreError) as error:
            if done == rounds:
                raise
            # A log that is restored meanwhile must be read from its start.
            log, pause = AuditLog(store), min(_LONGEST_PAUSE, max(pause, 1.0) * 2)
            logger.error("nothing can be decided, next try in %.0f s: %s", pause, error)
        if done == rounds:
            return decided
        sleep(pause)


def watch_round(
    store: ObjectStore, policy: Policy, notifier: Notifier, log: AuditLog, kept: Kept
) -> WatchReport:
    """Look once: judge and decide, tell people, and wake whoever waits for what is decided.

    Args:
        store: Where requests lie.
        policy: The rule for all of them.
        notifier: Tells people.
        log: The audit log, kept from look to look.
        kept: What earlier looks read.

    Returns:
        What was found and done.

    Raises:
        AuditError: If the audit log is not as it was written.
        StoreError: If the store does not answer.
    """
    report = watch_once(store, policy, datetime.now(UTC), log=log, kept=kept)
    for request_id, problem in report.problems:
        logger.error("%s: %s", request_id, problem)
    try:
        wake_runs(store, report.decided)
    finally:
        # Notices and decisions are reported once only, whatever else fails.
        notifier.tell(report.notices, report.decisions)
    return report
