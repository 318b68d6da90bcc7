"""What a channel supplies to the exchange, found by its name in ``feedback/channels``."""

from collections.abc import Sequence
from typing import Protocol, cast

import feedback.channels
from feedback.answer import Edit, Proposal
from feedback.bundle import ReviewBundle
from feedback.discovery import available_modules, load_module
from feedback.document import FeedbackDocument
from feedback.fields import Exchanged, JsonObject
from feedback.since import Difference


class FeedbackChannel(Protocol):
    """A module of ``feedback/channels``."""

    EVIDENCE: type[Exchanged]
    """Model of what is shown."""
    RESPONSE: type[Exchanged]
    """Model of one response of a feedback document."""

    def validate_response(
        self, bundle: ReviewBundle, document: FeedbackDocument
    ) -> tuple[str, ...]:
        """Check that a document fits what was shown.

        Args:
            bundle: What was shown.
            document: A reviewer's answer; its request, digest and channel are checked already.

        Returns:
            Warnings: allowed, but probably not what the reviewer wants.

        Raises:
            FeedbackError: If the document is refused.
        """
        ...

    def edit_of(self, response: JsonObject) -> Edit:
        """Say what a valid response edits, so that several reviewers' edits can be joined.

        Args:
            response: One response, validated.

        Returns:
            Its target, and its effect without remarks.
        """
        ...

    def join_edits(self, edits: Sequence[Edit]) -> Edit | None:
        """Make one edit of what several approvers say of one target, not all of them the same.

        Args:
            edits: One per approver, in the order of their names.

        Returns:
            The same whatever order they answered in; None when the edits exclude each other, so
            that none of them is taken.
        """
        ...

    def proposal_of(self, bundle: ReviewBundle) -> Proposal | None:
        """Say what a request asks to do again of what people have approved before.

        Args:
            bundle: A request of this channel.

        Returns:
            What an approval by rule would let go on, and what the channel holds against it; None
            when it cannot tell, which lets nothing go on.
        """
        ...

    def differences(
        self, then: ReviewBundle, edits: Sequence[JsonObject], now: ReviewBundle
    ) -> tuple[Difference, ...]:
        """List what a champion has otherwise than a request shows.

        Args:
            then: The request by which the champion was promoted, of this channel.
            edits: Responses that were accepted there.
            now: The request to compare with, of this channel.

        Returns:
            The differences; empty when there are none.
        """
        ...


_REQUIRED = (
    "EVIDENCE",
    "RESPONSE",
    "validate_response",
    "edit_of",
    "join_edits",
    "proposal_of",
    "differences",
)


def available_feedback_channels() -> tuple[str, ...]:
    """Return the names of the channels that have a file, sorted."""
    return available_modules(feedback.channels)


def load_feedback_channel(name: str) -> FeedbackChannel:
    """Import a channel's module.

    Args:
        name: Name of its file.

    Returns:
        The module.

    Raises:
        UnknownChannelError: If there is no such file.
        IncompleteChannelError: If the module lacks a part.
    """
    return cast(
        FeedbackChannel,
        load_module(feedback.channels, name, _REQUIRED, "name an installed channel"),
    )
