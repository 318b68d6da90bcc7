"""What is said about a class as a response of the answer, and in words."""

from collections.abc import Sequence
from typing import Literal

from pydantic import ValidationError

from feedback.channels.concept_graph import (
    AddEdge,
    GraphEdit,
    RemoveEdge,
    ReplaceConcept,
    read_graph_edits,
)
from feedback.channels.concept_graph.evidence import ClassEvidence, GraphEvidence
from feedback.channels.concept_graph.validation import check_edits
from feedback.errors import MalformedDocumentError
from feedback.fields import JsonObject
from review.panels.concept_graph.draft import ClassDraft, EdgeEdit, SlotEdit
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


def draft_of(response: JsonObject, evidence: GraphEvidence) -> tuple[str, ClassDraft]:
    """Return the class of a response and the draft that says it, without how sure somebody was.

    Args:
        response: A response to the same graphs.
        evidence: What is shown.

    Returns:
        The class, and its draft.

    Raises:
        FeedbackError: If it does not follow the schema, or the class is not shown.
    """
    (edit,) = read_graph_edits([response])
    shown = class_shown(evidence, edit.class_name)
    concepts: dict[int, SlotEdit] = {}
    edges: dict[tuple[int, int], EdgeEdit] = {}
    for op in edit.ops:
        if isinstance(op, ReplaceConcept):
            concepts[op.slot] = SlotEdit(slot=op.slot, to=op.to, reason=op.reason)
            continue
        state: Literal["added", "removed"] = "added" if isinstance(op, AddEdge) else "removed"
        ways = [(op.src, op.dst)]
        if isinstance(op, AddEdge) and op.bidirectional:
            ways.append((op.dst, op.src))
        for src, dst in ways:
            edges[src, dst] = EdgeEdit(src=src, dst=dst, state=state, reason=op.reason)
    return shown.class_name, ClassDraft(
        concepts=tuple(concepts[slot] for slot in sorted(concepts)),
        edges=tuple(edges[way] for way in sorted(edges)),
        confirmed=not edit.ops,
        comment=edit.comment,
    )


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
