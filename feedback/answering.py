"""A reviewer's document as the gate sees it."""

from collections.abc import Sequence
from datetime import datetime

from feedback.answer import Answer, Seat
from feedback.channel import load_feedback_channel
from feedback.document import FeedbackDocument


def answer_of(
    document: FeedbackDocument, *, key: str, seats: Sequence[Seat], arrived_at: datetime
) -> Answer:
    """Return what the gate has to know of a document.

    Args:
        document: A valid answer.
        key: Object that it was uploaded as.
        seats: Roles that its reviewer speaks for.
        arrived_at: When it came in.

    Returns:
        The answer; only an approval carries edits.
    """
    edit_of = load_feedback_channel(document.channel).edit_of
    responses = document.responses if document.verdict == "approve" else ()
    return Answer(
        key=key,
        request_id=document.request_id,
        bundle_sha256=document.bundle_sha256,
        reviewer=document.reviewer,
        verdict=document.verdict,
        seats=tuple(seats),
        arrived_at=arrived_at,
        written_at=document.created_at,
        edits=tuple(edit_of(response) for response in responses),
    )
