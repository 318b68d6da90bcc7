"""Making the follow-up of a request that was decided, and not so that a run could go on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from feedback.answer import Answer
from feedback.answering import answer_of
from feedback.bundle import ReviewBundle, derive_request_id
from feedback.channel import load_feedback_channel
from feedback.decision import Decision
from feedback.fields import JsonObject
from feedback.follow_up import FOLLOWED, MOST_PROPOSED, MOST_VOICES, FollowUp, Voice
from feedback.merging import merge_edits
from feedback.states import ReviewState


def number_of(bundle: ReviewBundle) -> int:
    """Return how many follow-ups led to a request; 0 for one that follows none."""
    return bundle.follows.number if bundle.follows else 0


def follow_up(bundle: ReviewBundle, decisions: Sequence[Decision]) -> FollowUp | None:
    """Say what a follow-up of a request would hold; the same whoever asks, and when.

    Args:
        bundle: The request.
        decisions: All decisions on it, the first first.

    Returns:
        What it would hold; None for a state that no follow-up mends: an approval that stands, a
        rejection, a revocation, or an end that time made.
    """
    if not decisions or decisions[-1].state not in FOLLOWED:
        return None
    closing, standing = decisions[0], decisions[-1]
    proposed, conflicts = _proposals(closing, standing)
    voices = [
        Voice(
            reviewer=response.document.reviewer,
            verdict=response.document.verdict,
            comment=response.document.comment,
        )
        for response in closing.responses
    ]
    # Objections first: they are what is to be mended.
    voices.sort(key=lambda voice: (voice.verdict == "approve", voice.reviewer, voice.comment))
    return FollowUp(
        number=number_of(bundle) + 1,
        request_id=bundle.request_id,
        decision_sha256=standing.digest,
        state=standing.state,
        reason=standing.reason,
        said=tuple(voices[:MOST_VOICES]),
        proposed=tuple(proposed[:MOST_PROPOSED]),
        conflicts=tuple(conflicts),
        by_rule=standing.by_rule,
    )


def freeze_follow_up(
    bundle: ReviewBundle,
    follows: FollowUp,
    *,
    created_at: datetime,
    author: str | None,
    run: str | None,
) -> ReviewBundle:
    """Make the manifest of a follow-up: the evidence of a request, with what was said of it.

    Args:
        bundle: The request before.
        follows: What was said of it.
        created_at: Now, with a time zone; the deadline is counted anew from it.
        author: Who started the run that asks.
        run: The run.

    Returns:
        The manifest; equal content gives an equal ``request_id`` whenever it is made.
    """
    changes = {
        "follows": follows,
        "created_at": created_at,
        "deadline": None,
        "author": author,
        "run": run,
        "base": None,
        "since": None,
    }
    draft = bundle.model_copy(update=changes)
    return draft.model_copy(update={"request_id": derive_request_id(draft)})


def are_same_edits(channel: str, some: Sequence[JsonObject], others: Sequence[JsonObject]) -> bool:
    """Tell whether two lists of valid responses do the same, whatever their order and remarks."""
    edit_of = load_feedback_channel(channel).edit_of
    one, other = ({(e.target, e.content) for e in map(edit_of, said)} for said in (some, others))
    return one == other


def _proposals(closing: Decision, standing: Decision) -> tuple[Sequence[JsonObject], Sequence[str]]:
    """Return the edits to go on from, and what reviewers contradict each other in."""
    if standing.state is ReviewState.STALE:
        return closing.edits, ()
    if closing.agreed or closing.conflicts:
        return closing.agreed, closing.conflicts
    channel = load_feedback_channel(closing.channel)
    merged = merge_edits(_speaking(closing), channel.join_edits)
    return [edit.response for edit in merged.agreed.values()], merged.conflicts


def _speaking(closing: Decision) -> list[Answer]:
    """Return the answers with what they would edit; a call for changes may bring edits along."""
    edit_of = load_feedback_channel(closing.channel).edit_of
    return [
        replace(
            answer_of(
                response.document,
                key=response.key,
                seats=response.seats,
                arrived_at=response.arrived_at or response.document.created_at,
            ),
            edits=tuple(map(edit_of, response.document.responses)),
        )
        for response in closing.responses
        if response.document.verdict != "reject"
    ]
