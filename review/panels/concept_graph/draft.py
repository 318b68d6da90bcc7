"""What a reviewer says about one class: replaced concepts, cut and asserted edges, how sure."""

from typing import Annotated, Literal

from pydantic import Field

from feedback.channels.concept_graph.ops import Slot
from feedback.fields import Exchanged, Name, Reason
from review.draft import ItemDraft

Confidence = Annotated[int, Field(ge=1, le=5)]


class SlotEdit(Exchanged):
    """Another concept in a slot."""

    slot: Slot
    """Position in the class graph."""
    to: Name
    """Concept that is put there."""
    reason: Reason = ""
    """Why."""


class EdgeEdit(Exchanged):
    """An edge that is cut or asserted."""

    src: Slot
    """Slot that the edge leaves."""
    dst: Slot
    """Slot that the edge enters."""
    state: Literal["removed", "added"]
    """What becomes of it."""
    reason: Reason = ""
    """Why."""


class ClassDraft(ItemDraft):
    """What a reviewer says about one class; equal drafts say the same."""

    concepts: tuple[SlotEdit, ...] = Field(default=(), max_length=16)
    """Replaced concepts, by slot."""
    edges: tuple[EdgeEdit, ...] = Field(default=(), max_length=240)
    """Cut and asserted edges, by source then target."""
    confirmed: bool = False
    """Whether the graph was found right as it is."""
    confidence: Confidence | None = None
    """How sure, 1 (guess) to 5 (certain)."""

    @property
    def n_edits(self) -> int:
        """Number of edits."""
        return len(self.concepts) + len(self.edges)

    @property
    def speaks(self) -> bool:
        """Whether the answer holds a response on this class."""
        return self.confirmed or self.n_edits > 0

    def concept_in(self, slot: int) -> SlotEdit | None:
        """Return the edit of a slot."""
        return next((edit for edit in self.concepts if edit.slot == slot), None)

    def edge_between(self, src: int, dst: int) -> EdgeEdit | None:
        """Return the edit of an edge."""
        return next((edit for edit in self.edges if (edit.src, edit.dst) == (src, dst)), None)
