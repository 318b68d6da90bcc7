"""The decision on a request, holding all that it was made from."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from feedback.answer import Seat
from feedback.document import FeedbackDocument
from feedback.fields import (
    Grown,
    Identifier,
    JsonObject,
    Name,
    Sha256,
    StoredDocument,
    Timestamp,
)
from feedback.signing import Signature
from feedback.states import ReviewState

__all__ = ["MOST_EDITS", "DecidedResponse", "Decision", "ReviewState"]


MOST_EDITS = 1000
"""Edits that a decision lets go on."""


class DecidedResponse(Grown):
    """A reviewer's document as the decision was made from it."""

    LATER: ClassVar = ("arrived_at", "seats", "signature")

    key: Name
    """Object that it was uploaded as."""
    sha256: Sha256
    """Digest of the uploaded bytes."""
    warnings: tuple[str, ...] = Field(default=(), max_length=1000)
    """What the channel warned of."""
    document: FeedbackDocument
    """The document, kept whole: the upload may be overwritten later."""
    arrived_at: Timestamp | None = None
    """When it came in, by the store's clock."""
    seats: tuple[Seat, ...] = Field(default=(), max_length=100)
    """Roles that it spoke for."""
    signature: Signature | None = None
    """Signature over the document; None when the policy took it unsigned."""


class Decision(Grown, StoredDocument):
    """One transition of a request; the first closes it."""

    LATER: ClassVar = ("policy_sha256", "agreed", "conflicts", "joined", "by_rule")

    schema_version: Literal[1] = 1
    """Version of this schema."""
    request_id: Identifier
    """Request that is decided."""
    bundle_sha256: Sha256
    """Digest of the manifest that was shown."""
    channel: Identifier
    """Channel of the responses."""
    sequence: Annotated[int, Field(ge=1, le=9999)] = 1
    """1 closes the request; later ones promote or revoke."""
    previous_sha256: Sha256 | None = None
    """Digest of the decision before; None for the first."""
    state: ReviewState
    """State from here on."""
    policy: Identifier
    """Rule that was applied, such as ``single``."""
    reason: Annotated[str, Field(max_length=4000)] = ""
    """Why, when the responses alone do not say."""
    responses: tuple[DecidedResponse, ...] = Field(default=(), max_length=1000)
    """What reviewers answered."""
    decided_at: Timestamp
    """When it was made."""
    policy_sha256: Sha256 | None = None
    """Digest of the rule, which is kept under ``policies/``."""
    agreed: tuple[JsonObject, ...] = Field(default=(), max_length=MOST_EDITS)
    """Edits that go on, one per target, in the channel's own schema."""
    conflicts: tuple[Name, ...] = Field(default=(), max_length=1000)
    """What approvers edited differently and nobody ruled on; nothing of it goes on."""
    joined: tuple[Name, ...] = Field(default=(), max_length=1000)
    """Reviewers whose edits ``agreed`` was made of; earlier versions did not say."""
    by_rule: bool = False
    """Whether the policy's rule approved it and no person did; later decisions repeat it."""

    @property
    def is_approved(self) -> bool:
        """Whether the correction may go on; whatever is not known to be approved is not."""
        return self.state in (ReviewState.APPROVED, ReviewState.PROMOTED)

    @property
    def told_state(self) -> str:
        """The state in words, which never pass an approval by rule off as a person's."""
        told = self.state.value.replace("_", " ").lower()
        return f"{told} (by rule, by no person)" if self.by_rule else told

    @property
    def edits(self) -> tuple[JsonObject, ...]:
        """The responses that go on; none unless approved."""
        if not self.is_approved:
            return ()
        if self.policy_sha256 is not None or self.sequence > 1:
            return self.agreed
        return tuple(edit for response in self.responses for edit in response.document.responses)
