"""What a request of concept graphs repeats of an earlier review: proposals, not edits."""

from typing import Annotated

from pydantic import Field

from feedback.channels.concept_graph.ops import GraphOp
from feedback.fields import Exchanged, Identifier, Reason, Timestamp


class CarriedEdit(Exchanged):
    """An accepted edit of an earlier review, rewritten for the graph that is shown now."""

    op: GraphOp
    """The edit in this graph's slots and concepts, with the reason given then."""
    was: Reason
    """The edit as it was accepted, in that review's concepts."""
    request_id: Identifier
    """Review that it comes from."""
    decided_at: Timestamp
    """When that review was closed."""
    similarity: Annotated[float, Field(ge=-1.0001, le=1.0001)]
    """Cosine of the least alike of the concepts that it names and those they were matched to."""


class LostEdit(Exchanged):
    """An accepted edit of an earlier review that says nothing about the graph that is shown now."""

    was: Reason
    """The edit as it was accepted, in that review's concepts."""
    why: Reason
    """Why it cannot be carried over."""
    request_id: Identifier
    """Review that it comes from."""
