"""Reminders and escalations: which are due, each recorded once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from feedback.answer import GateRequest
from feedback.canonical import canonical_json
from feedback.fields import Exchanged, Identifier, Timestamp
from feedback.gate import Outcome, deadline_of
from feedback.layout import notice_key
from feedback.objects import ObjectStore
from feedback.policy import Policy
from feedback.states import ReviewState

_AGAIN = "A follow-up of a request that people answered: what was said is shown with it. "


class Notice(Exchanged):
    """Something that people should be told about an open request."""

    schema_version: Literal[1] = 1
    """Version of this schema."""
    id: Identifier
    """Unique for the request."""
    request_id: Identifier
    """Request that it is about."""
    kind: Literal["opened", "reminder", "escalation"]
    """Occasion."""
    to: tuple[Identifier, ...] = Field(max_length=50)
    """Roles or reviewers to tell."""
    due_at: Timestamp
    """When it fell due."""
    deadline: Timestamp | None = None
    """Deadline of the request."""
    text: Annotated[str, Field(max_length=1000)] = ""
    """What is waited for."""


def due_notices(
    request: GateRequest, outcome: Outcome, now: datetime, policy: Policy
) -> Sequence[Notice]:
    """Find what people should have been told by now.

    Args:
        request: What was asked.
        outcome: What the answers so far amount to.
        now: Moment of looking, with its zone.
        policy: The rule.

    Returns:
        Notices in the order in which they fell due; none once the request is closed.
    """
    if outcome.state is not ReviewState.OPEN:
        return ()
    deadline = deadline_of(request, policy)
    text = f"{_AGAIN if request.is_follow_up else ''}{outcome.reason}"[:1000]
    waited_for = tuple(role for role, _ in outcome.missing)
    planned = [("opened", "opened", request.created_at, waited_for)]
    if deadline is not None:
        planned += [
            (f"reminder-{number}", "reminder", deadline - timedelta(hours=hours), waited_for)
            for number, hours in enumerate(sorted(policy.reminders, reverse=True), 1)
        ]
        planned += [
            (
                f"escalation-{number}",
                "escalation",
                deadline - timedelta(hours=step.hours_before),
                step.to,
            )
            for number, step in enumerate(policy.escalation, 1)
        ]
    found = [
        Notice.model_validate(
            {
                "id": name,
                "request_id": request.request_id,
                "kind": kind,
                "to": to,
                "due_at": due,
                "deadline": deadline,
                "text": text,
            }
        )
        for name, kind, due, to in planned
        # A request published after a reminder would have been due does without it.
        if request.created_at <= due <= now
    ]
    return sorted(found, key=lambda notice: (notice.due_at, notice.id))


def record_notices(store: ObjectStore, notices: Sequence[Notice]) -> Sequence[Notice]:
    """Record notices, each once, so that nobody is told twice.

    Args:
        store: Where the request lies.
        notices: What fell due.

    Returns:
        Those that nobody recorded before, for the caller to send; after a long silence only the
        latest of each kind. One that is recorded and not sent, since the process died in between,
        is not sent again.

    Raises:
        StoreError: If the store cannot be written.
    """
    new = [
        notice
        for notice in notices
        if store.put_if_absent(
            notice_key(notice.request_id, notice.id),
            canonical_json(notice.model_dump(mode="json")),
        )
    ]
    latest = {notice.kind: notice for notice in new}
    return [notice for notice in new if latest[notice.kind] is notice]
