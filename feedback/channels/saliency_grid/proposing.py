"""What a request of this channel repeats: nothing that a rule could approve."""

from feedback.answer import Proposal
from feedback.bundle import ReviewBundle


def proposal_of(bundle: ReviewBundle) -> Proposal | None:
    """Say that it cannot be told.

    People are asked in the middle of training, when no accuracy can be set beside the champion's,
    and about other images than those whose marks were carried over.

    Args:
        bundle: A request of this channel.

    Returns:
        None: people look at every request.
    """
    return None
