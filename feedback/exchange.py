"""The exchange with reviewers in one place: publish, list, hand in, examine, decide, read back."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from feedback.bundle import ReviewBundle
from feedback.decision import DecidedResponse, Decision, ReviewState
from feedback.errors import ObjectNotFoundError
from feedback.inbox import (
    CheckedUpload,
    check_upload,
    examine,
    pending,
    submit,
)
from feedback.objects import ObjectStore
from feedback.publishing import (
    begun_requests,
    load_bundle,
    load_file,
    open_requests,
    publish,
    verify_files,
)
from feedback.recording import (
    decide_single,
    load_decision,
    record_decision,
    record_transition,
)
from feedback.rejections import Rejection, load_rejections, reject

__all__ = [
    "CheckedUpload",
    "DecidedResponse",
    "Decision",
    "Rejection",
    "RequestSummary",
    "ReviewState",
    "check_upload",
    "decide_single",
    "examine",
    "list_requests",
    "load_bundle",
    "load_decision",
    "load_file",
    "load_rejections",
    "pending",
    "publish",
    "record_decision",
    "record_transition",
    "reject",
    "submit",
    "verify_files",
]


@dataclass(frozen=True)
class RequestSummary:
    """One line of the inbox.

    Attributes:
        request_id: Id.
        channel: Channel.
        round: How often the run has asked.
        follow_up: Which follow-up of the evidence's first request it is; 0 for that request.
        state: OPEN, or the state that was decided.
        created_at: When it was published.
        deadline: When it expires unanswered; None waits for ever.
        model: Model's name.
        titles: What is asked about, most promising first.
        n_pending: Uploads that nobody has judged yet; 0 once decided.
        digest: Digest that an answer must quote.
        by_rule: Whether the policy's rule approved it and no person did.
    """

    request_id: str
    channel: str
    round: int
    follow_up: int
    state: ReviewState
    created_at: datetime
    deadline: datetime | None
    model: str
    titles: tuple[str, ...]
    n_pending: int
    digest: str
    by_rule: bool = False


def list_requests(store: ObjectStore, state: ReviewState | None = None) -> Sequence[RequestSummary]:
    """List the published requests.

    Args:
        store: Where they lie.
        state: Only those in this state; None lists all.

    Returns:
        Requests, the newest first.

    Raises:
        ArtifactError: If a manifest or decision is not as it was written.
        StoreError: If the store cannot be read.
    """
    # What is decided is not read where nobody asks for it: there is more of it every week.
    names = open_requests(store) if state is ReviewState.OPEN else begun_requests(store)
    found = []
    for name in names:
        # No manifest yet: its pictures are still being written.
        with suppress(ObjectNotFoundError):
            found.append(_summary(store, load_bundle(store, name)))
    wanted = [summary for summary in found if state in (None, summary.state)]
    return sorted(
        wanted, key=lambda summary: (summary.created_at, summary.request_id), reverse=True
    )


def _summary(store: ObjectStore, bundle: ReviewBundle) -> RequestSummary:
    decision = load_decision(store, bundle.request_id)
    items = sorted(bundle.items, key=lambda item: -item.priority)
    return RequestSummary(
        request_id=bundle.request_id,
        channel=bundle.channel,
        round=bundle.round,
        follow_up=bundle.follows.number if bundle.follows else 0,
        state=decision.state if decision else ReviewState.OPEN,
        created_at=bundle.created_at,
        deadline=bundle.deadline,
        model=bundle.model.name,
        titles=tuple(item.title for item in items),
        n_pending=0 if decision else len(pending(store, bundle.request_id)),
        digest=bundle.digest,
        by_rule=decision is not None and decision.by_rule,
    )
