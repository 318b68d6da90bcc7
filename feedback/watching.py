"""The watcher's step: everything that reviewers handed in, judged and decided, once.

Knows nothing of runs and processes: it reads and writes the store, and reports. Any number of
watchers may make steps at the same time; whatever they do twice is written once.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from feedback.audit import AuditLog
from feedback.bounded import shorten
from feedback.bundle import ReviewBundle
from feedback.decision import Decision
from feedback.entering import enter_decisions, enter_rejections
from feedback.errors import (
    ArtifactError,
    AuditError,
    BundleMismatchError,
    ObjectNotFoundError,
    ParleyError,
    StoreError,
)
from feedback.gate import Outcome
from feedback.inbox import examine, unjudged
from feedback.kept import Kept
from feedback.layout import (
    ACCEPTED,
    DECISIONS,
    INBOX,
    REJECTIONS,
    parse_upload_key,
    receipt_key,
    rejection_key,
    request_of,
)
from feedback.notices import Notice, due_notices, record_notices
from feedback.objects import ObjectInfo, ObjectStore
from feedback.policy import Policy
from feedback.publishing import begun_requests
from feedback.rejections import reject
from feedback.reviewers import load_registry
from feedback.settling import Settlement

logger = logging.getLogger(__name__)


@dataclass
class WatchReport:
    """What one step found and did.

    Attributes:
        decisions: Decisions of the requests that closed in this step.
        decided: Ids of all requests that are closed: whoever waits for one may be woken.
        waiting: What is known of each open request, by id.
        rejections: Keys of the rejections that were written.
        notices: What people should be told now; nobody else tells them.
        entries: New entries of the audit log.
        problems: (request, what is wrong) of requests that could not be looked at.
    """

    decisions: list[Decision] = field(default_factory=list)
    decided: set[str] = field(default_factory=set)
    waiting: dict[str, Outcome] = field(default_factory=dict)
    rejections: list[str] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    entries: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)


def watch_once(
    store: ObjectStore,
    policy: Policy,
    now: datetime,
    *,
    log: AuditLog | None = None,
    kept: Kept | None = None,
) -> WatchReport:
    """Make one step: judge uploads, decide, remind, and enter it all in the audit log.

    Args:
        store: Where requests lie.
        policy: The rule for all of them.
        now: Moment of the step, with its zone.
        log: The audit log, kept from step to step so that it is read once; None opens it.
        kept: What earlier steps read, so that a step costs what is open; None begins anew.

    Returns:
        What was found and done.

    Raises:
        AuditError: If the log is not as it was written; nothing is decided until it is restored.
        StoreError: If the store does not answer; the next step goes on.
    """
    log, kept = log or AuditLog(store), kept or Kept(store)
    log.refresh()
    report = WatchReport()
    # Uploads are listed first: an answer to a request that is published meanwhile is seen later.
    uploads = _by_request(store.list(INBOX))
    requests = set(begun_requests(store))
    refused = {info.key for info in store.list(REJECTIONS)}
    judged = refused | _accepted(store, uploads, refused, kept)
    decisions = _by_request(store.list(DECISIONS))
    report.decided = set(decisions)
    registry = load_registry(store)
    undecided = requests - report.decided
    # What is closed is looked at only if something new lies in its inbox.
    for request_id in sorted(undecided | set(uploads)):
        found = uploads.get(request_id, ())
        left = unjudged(request_id, found, judged)
        try:
            is_open = request_id in undecided
            if not (left or is_open):
                continue
            bundle = _published(kept, request_id) if request_id in requests else None
            if bundle is None:
                _refuse_unknown(store, request_id, left, now)
            elif not is_open:
                for info in left:
                    examine(store, bundle, info, now=now)
            else:
                request = Settlement(store, bundle, policy=policy, registry=registry, now=now)
                request.refuse_replaced(
                    [i for i in found if rejection_key(request_id, i.key) not in refused]
                )
                outcome, decision = request.settle(left)
                _note(report, request_id, outcome, decision)
                if decision is None:
                    due = due_notices(request.request, outcome, now, policy)
                    report.notices += record_notices(store, due)
        except ObjectNotFoundError as error:
            report.problems.append((request_id, str(error)))
        except StoreError:
            raise
        except ParleyError as error:
            report.problems.append((request_id, str(error)))
        except Exception as error:
            # A flaw of ours in looking at one request must not keep the others waiting. It stays
            # open: whatever goes wrong approves nothing.
            logger.exception("%s could not be looked at", request_id)
            report.problems.append((request_id, type(error).__name__))
    for request_id in report.decided:
        kept.forget(request_id)
    if report.decisions:
        decisions = _by_request(store.list(DECISIONS))
    rejections = {info.key for info in store.list(REJECTIONS)}
    _enter(store, log, report, decisions, rejections, now)
    report.rejections = sorted(rejections - refused)
    return report


def _note(
    report: WatchReport, request_id: str, outcome: Outcome, decision: Decision | None
) -> None:
    if decision is None:
        report.waiting[request_id] = outcome
    else:
        report.decisions.append(decision)
        report.decided.add(request_id)


def _enter(
    store: ObjectStore,
    log: AuditLog,
    report: WatchReport,
    decisions: Mapping[str, Sequence[ObjectInfo]],
    rejections: AbstractSet[str],
    now: datetime,
) -> None:
    """Enter what this step, or one that died, wrote."""
    for request_id, infos in sorted(decisions.items()):
        if all(info.key in log.subjects() for info in infos):
            continue
        try:
            report.entries += len(enter_decisions(store, log, request_id, now))
        except AuditError:
            raise
        except (ObjectNotFoundError, ArtifactError) as error:
            report.problems.append((request_id, str(error)))
    report.entries += len(enter_rejections(store, log, sorted(rejections), now))


def _refuse_unknown(
    store: ObjectStore, request_id: str, uploads: Sequence[ObjectInfo], now: datetime
) -> None:
    for info in uploads:
        error = BundleMismatchError(
            "expected an upload at inbox/<request>/<reviewer>/<nonce>.json for a published request "
            f"(got {shorten(info.key, 160)}); list the requests to see their ids"
        )
        reject(store, request_id, info.key, error, now=now)


def _accepted(
    store: ObjectStore,
    uploads: Mapping[str, Sequence[ObjectInfo]],
    refused: AbstractSet[str],
    kept: Kept,
) -> AbstractSet[str]:
    """Return the receipts of uploads, listed only where some upload is not known to have one."""
    receipts = {
        info.key: receipt_key(request_id, info.key)
        for request_id, infos in uploads.items()
        for info in infos
        if parse_upload_key(info.key) is not None
        and rejection_key(request_id, info.key) not in refused
    }
    if not all(kept.is_accepted(key) for key in receipts):
        listed = {info.key for info in store.list(ACCEPTED)}
        kept.note_accepted(key for key, receipt in receipts.items() if receipt in listed)
    return {receipt for key, receipt in receipts.items() if kept.is_accepted(key)}


def _published(kept: Kept, request_id: str) -> ReviewBundle | None:
    """Return a request's manifest; None while its pictures lie there alone."""
    try:
        return kept.bundle(request_id)
    except ObjectNotFoundError:
        return None


def _by_request(infos: Sequence[ObjectInfo]) -> Mapping[str, Sequence[ObjectInfo]]:
    found: dict[str, list[ObjectInfo]] = defaultdict(list)
    for info in infos:
        found[request_of(info.key)].append(info)
    return found
