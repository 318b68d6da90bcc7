"""A reviewer's draft: edits per class, remarks, and the steps that undo and redo walk along.

It lives in the reviewer's browser, so what comes back is read as strictly as any upload.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from feedback.canonical import canonical_json
from feedback.channels.concept_graph import AddEdge, GraphEdit, RemoveEdge, ReplaceConcept
from feedback.channels.concept_graph.evidence import ClassEvidence, GraphEvidence
from feedback.channels.concept_graph.ops import Slot
from feedback.fields import Comment, Exchanged, Name, Reason, Sha256

MAX_STEPS = 100
"""Steps that can be undone; the oldest are forgotten."""

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


class ClassDraft(Exchanged):
    """What a reviewer says about one class; equal drafts say the same."""

    concepts: tuple[SlotEdit, ...] = Field(default=(), max_length=16)
    """Replaced concepts, by slot."""
    edges: tuple[EdgeEdit, ...] = Field(default=(), max_length=240)
    """Cut and asserted edges, by source then target."""
    confirmed: bool = False
    """Whether the graph was found right as it is."""
    confidence: Confidence | None = None
    """How sure, 1 (guess) to 5 (certain)."""
    comment: Reason = ""
    """Remark on the class."""

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


class Step(Exchanged):
    """One change of one class's draft, both ways."""

    class_name: Name
    """Class."""
    before: ClassDraft
    """Draft before."""
    after: ClassDraft
    """Draft after."""


class Draft(Exchanged):
    """All that a reviewer has said about one request so far."""

    bundle_sha256: Sha256
    """Digest of what was shown."""
    classes: dict[Name, ClassDraft] = Field(default_factory=dict, max_length=64)
    """Drafts of the classes that something was said about."""
    past: tuple[Step, ...] = Field(default=(), max_length=MAX_STEPS)
    """Steps that led here, the latest last."""
    future: tuple[Step, ...] = Field(default=(), max_length=MAX_STEPS)
    """Steps that were undone, the next to redo last."""
    comment: Comment = ""
    """Remark on the whole request."""

    def of(self, class_name: str) -> ClassDraft:
        """Return what was said about a class."""
        return self.classes.get(class_name, ClassDraft())

    @property
    def n_edits(self) -> int:
        """Number of edits over all classes."""
        return sum(said.n_edits for said in self.classes.values())


def read_draft(data: object, bundle_sha256: str) -> Draft:
    """Read a draft that comes from a browser.

    Args:
        data: JSON value; None where there is no draft yet.
        bundle_sha256: Digest of what is shown now.

    Returns:
        The draft; an empty one when the data is none, damaged, or of another request.
    """
    empty = Draft(bundle_sha256=bundle_sha256)
    if not isinstance(data, Mapping):
        return empty
    try:
        draft = Draft.model_validate_json(canonical_json(dict(data)), strict=True)
    except (ValidationError, ValueError, TypeError, RecursionError):
        return empty
    return draft if draft.bundle_sha256 == bundle_sha256 else empty


def edits_of(draft: Draft, evidence: GraphEvidence) -> tuple[GraphEdit, ...]:
    """Return the draft as responses, in the evidence's order of classes."""
    return tuple(
        edit_of_class(shown, draft.of(shown.class_name))
        for shown in evidence.classes
        if draft.of(shown.class_name).speaks
    )


def edit_of_class(shown: ClassEvidence, said: ClassDraft) -> GraphEdit:
    """Return what was said about a class as a response.

    Args:
        shown: The class as it was shown.
        said: Its draft.

    Returns:
        Replaced concepts by slot, then edges by source and target.

    Raises:
        ValidationError: If the draft holds more operations than a response may.
    """
    concepts = [
        ReplaceConcept(
            slot=edit.slot,
            from_=shown.slots[edit.slot] if edit.slot < len(shown.slots) else "nothing",
            to=edit.to,
            reason=edit.reason,
        )
        for edit in said.concepts
    ]
    edges = [
        (RemoveEdge if edit.state == "removed" else AddEdge)(
            src=edit.src, dst=edit.dst, reason=edit.reason
        )
        for edit in said.edges
    ]
    return GraphEdit(
        class_name=shown.class_name,
        base_cscg=shown.base_cscg,
        ops=(*concepts, *edges),
        confidence=said.confidence,
        comment=said.comment,
    )
