"""What is said about a class as a response of the answer, and in words."""

from collections.abc import Sequence

from pydantic import ValidationError

from feedback.channels.concept_graph import AddEdge, GraphEdit, RemoveEdge, ReplaceConcept
from feedback.channels.concept_graph.evidence import ClassEvidence, GraphEvidence
from feedback.channels.concept_graph.validation import check_edits
from feedback.errors import MalformedDocumentError
from review.panels.concept_graph.draft import ClassDraft
from review.panels.concept_graph.editing import class_shown
from review.panels.concept_graph.graph_view import slots_after
from review.panels.concept_graph.parts import short
from review.pieces import Line


def response_of(item: str, said: ClassDraft, evidence: GraphEvidence) -> GraphEdit:
    """Return what was said about a class as a response.

    Args:
        item: The class.
        said: Its draft.
        evidence: What is shown.

    Returns:
        Replaced concepts by slot, then edges by source and target.

    Raises:
        MalformedDocumentError: If the draft holds more operations than a response may.
    """
    try:
        return _edit_of(class_shown(evidence, item), said)
    except ValidationError as error:
        raise MalformedDocumentError(
            f"expected at most 64 edits of one class (got {said.n_edits}); hand in fewer at once"
        ) from error


def check(responses: Sequence[GraphEdit], evidence: GraphEvidence) -> tuple[str, ...]:
    """Judge responses by the rules of an upload, and return what the gate would warn of."""
    return check_edits(evidence, responses, verdict="approve")


def told(item: str, said: ClassDraft, evidence: GraphEvidence) -> list[Line]:
    """Tell a class's edits in words, before and after.

    Args:
        item: The class.
        said: Its draft.
        evidence: What is shown.

    Returns:
        One line for each edit.
    """
    shown = class_shown(evidence, item)
    slots, after = shown.slots, slots_after(shown, said)
    lines = [
        Line(f"slot {edit.slot + 1}: {short(slots[edit.slot])} → {short(edit.to)}", edit.reason)
        for edit in said.concepts
    ] + [
        Line(
            f"edge {short(after[edit.src])} → {short(after[edit.dst])} "
            f"{'removed' if edit.state == 'removed' else 'added'}",
            edit.reason,
        )
        for edit in said.edges
    ]
    return lines or [Line("right as it is")]


def _edit_of(shown: ClassEvidence, said: ClassDraft) -> GraphEdit:
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
