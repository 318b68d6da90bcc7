"""What a reviewer can do with a class's graph, beside what every page offers."""

from typing import Annotated, Literal

from pydantic import Field

from feedback.channels.concept_graph.ops import Slot
from feedback.fields import Name, Reason
from review.actions import ItemAction, Look
from review.panels.concept_graph.draft import Confidence

Sorting = Literal["score", "distinct"]


class ReplaceConceptAction(ItemAction):
    """Put a candidate into a slot; the one that was shown there takes the edit back."""

    kind: Literal["replace"]
    slot: Slot
    to: Name


class SetEdge(ItemAction):
    """Cut an edge, assert it, or leave it as it was shown."""

    kind: Literal["edge"]
    src: Slot
    dst: Slot
    state: Literal["removed", "added", "as_shown"]
    both_ways: bool = False


class SetReason(ItemAction):
    """Say why a slot (no ``dst``) or an edge was edited."""

    kind: Literal["reason"]
    src: Slot
    dst: Slot | None = None
    text: Reason


class Confirm(ItemAction):
    """Say that a class's graph is right as it is, or take that back."""

    kind: Literal["confirm"]


class SetConfidence(ItemAction):
    """Say how sure one is about a class."""

    kind: Literal["confidence"]
    level: Confidence


class GraphLook(Look):
    """Look at another class, slot, edge or candidate, in another order, or at more of them."""

    slot: Slot | None = None
    src: Slot | None = None
    dst: Slot | None = None
    candidate: Name | None = None
    sorting: Sorting | None = None
    compare: bool | None = None
    n_listed: Annotated[int, Field(ge=1, le=1000)] | None = None
