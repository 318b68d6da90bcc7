"""What the gate knows of a request whose policy may approve by rule."""

from dataclasses import replace

from feedback.answer import GateRequest
from feedback.bundle import ReviewBundle
from feedback.channel import load_feedback_channel
from feedback.errors import ChannelError


def with_proposal(request: GateRequest, bundle: ReviewBundle) -> GateRequest:
    """Add what the request asks to do again, as its channel reads it from the frozen evidence.

    Args:
        request: What the gate knows so far.
        bundle: The request.

    Returns:
        The same with its proposal; without one where the channel is not installed here.
    """
    try:
        channel = load_feedback_channel(bundle.channel)
    except ChannelError:
        return request
    return replace(request, proposal=channel.proposal_of(bundle))
