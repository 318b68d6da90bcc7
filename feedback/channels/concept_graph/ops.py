"""Edits of a class's concept graph, as a reviewer writes them.

Slots and edge ends are positions in the class graph, 0 to K-1; concepts are named by their id.
What an edit means for the computation stands in ``models/concept_graph/edits.py``; whether it
fits the evidence in ``validation.py`` beside.
"""

from typing import Annotated, Literal

from pydantic import Field

from feedback.fields import Exchanged, Name, Reason, Sha256

Slot = Annotated[int, Field(ge=0, le=15)]
"""Position of a concept in a class graph."""


class ReplaceConcept(Exchanged):
    """Put another mined concept into a slot of the class graph; its images are matched anew."""

    op: Literal["replace_concept"] = "replace_concept"
    """Kind of edit."""
    slot: Slot
    """Position whose concept is replaced."""
    # validation_alias, not alias: in Python the keyword stays from_, in JSON it is "from".
    from_: Name = Field(validation_alias="from", serialization_alias="from")
    """Concept that stands there now."""
    to: Name
    """Concept to put there, one of the class's candidates."""
    reason: Reason = ""
    """Why, in the reviewer's words."""


class RemoveEdge(Exchanged):
    """Cut a directed edge: no message passes and its part of the graph vector is 0."""

    op: Literal["remove_edge"] = "remove_edge"
    """Kind of edit."""
    src: Slot
    """Slot that the edge leaves."""
    dst: Slot
    """Slot that the edge enters."""
    reason: Reason = ""
    """Why, in the reviewer's words."""


class AddEdge(Exchanged):
    """Assert a directed edge: its dependency starts at 1, stays positive and is never pruned."""

    op: Literal["add_edge"] = "add_edge"
    """Kind of edit."""
    src: Slot
    """Slot that the edge leaves."""
    dst: Slot
    """Slot that the edge enters."""
    bidirectional: bool = False
    """Also add the edge from ``dst`` to ``src``."""
    reason: Reason = ""
    """Why, in the reviewer's words."""


GraphOp = Annotated[ReplaceConcept | RemoveEdge | AddEdge, Field(discriminator="op")]
"""One edit."""


class GraphEdit(Exchanged):
    """All edits of one class's graph; applied in order, together or not at all."""

    type: Literal["graph_edit"] = "graph_edit"
    """Kind of response."""
    version: Literal[1] = 1
    """Version of this response's schema."""
    class_name: Name
    """Class whose graph is edited."""
    base_cscg: Sha256
    """Digest of the class graph that the reviewer saw; another one makes the edit stale."""
    ops: tuple[GraphOp, ...] = Field(max_length=64)
    """Edits in the order in which they were made; empty says that the graph is right as it is."""
    confidence: Annotated[int, Field(ge=1, le=5)] | None = None
    """How sure the reviewer is, 1 (guess) to 5 (certain)."""
    comment: Reason = ""
    """Remark on this class."""
