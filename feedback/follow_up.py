"""What a follow-up holds of the request before it: what was said, and what is proposed.

Written when the follow-up is published and shown with it. Its evidence is that of the request
before, so that people go on from where they were.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from feedback.fields import Comment, Exchanged, Grown, Identifier, JsonObject, Name, Sha256
from feedback.states import ReviewState

MOST_VOICES = 100
"""Reviewers whose words are repeated; those who object come first."""
MOST_PROPOSED = 1000
"""Edits that are proposed, as many as a decision holds."""
MOST_FOLLOW_UPS = 10
"""Follow-ups that one piece of evidence may have."""

FOLLOWED = frozenset({ReviewState.CHANGES_REQUESTED, ReviewState.PARTIAL, ReviewState.STALE})
"""States of a request after which the same evidence may be asked about once more."""


class Voice(Exchanged):
    """What one reviewer answered to the request before."""

    reviewer: Identifier
    """Who."""
    verdict: Literal["approve", "reject", "request_changes"]
    """How they answered."""
    comment: Comment = ""
    """Their words on the whole request."""


class FollowUp(Grown):
    """The request before, how it ended, and what reviewers may go on from."""

    LATER: ClassVar = ("by_rule",)

    number: Annotated[int, Field(ge=1, le=MOST_FOLLOW_UPS)]
    """How many follow-ups the evidence has had with this one."""
    request_id: Identifier
    """The request before."""
    decision_sha256: Sha256
    """Digest of the decision that stood on it."""
    state: ReviewState
    """CHANGES_REQUESTED, PARTIAL or STALE."""
    reason: Annotated[str, Field(max_length=4000)] = ""
    """The decision's own words."""
    said: tuple[Voice, ...] = Field(default=(), max_length=MOST_VOICES)
    """What each reviewer answered."""
    proposed: tuple[JsonObject, ...] = Field(default=(), max_length=MOST_PROPOSED)
    """Edits to go on from, in the channel's own schema, at most one per target; nobody has approved
    them against the champion of now."""
    conflicts: tuple[Name, ...] = Field(default=(), max_length=1000)
    """What reviewers edited differently; nothing of it is proposed."""
    by_rule: bool = False
    """Whether a policy's rule approved the request before, and no person did."""
