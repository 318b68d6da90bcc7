"""What an action does to the draft of one class. Pure: nothing is changed in place."""

from feedback.channels.concept_graph.evidence import ClassEvidence, GraphEvidence
from feedback.errors import ContradictionError, UnknownTargetError
from review.actions import ItemAction
from review.finding import find_item
from review.panels.concept_graph.actions import (
    Confirm,
    ReplaceConceptAction,
    SetConfidence,
    SetEdge,
    SetReason,
)
from review.panels.concept_graph.draft import ClassDraft, EdgeEdit, SlotEdit


def apply(said: ClassDraft, action: ItemAction, evidence: GraphEvidence) -> ClassDraft:
    """Return the draft of a class after an action.

    Args:
        said: What was said about the class so far.
        action: What the reviewer did.
        evidence: What is shown.

    Returns:
        The next draft of the class.

    Raises:
        FeedbackError: If the action names what is not shown, or contradicts the draft.
    """
    shown = class_shown(evidence, action.item)
    if isinstance(action, ReplaceConceptAction):
        return _replaced(said, action, shown)
    if isinstance(action, SetEdge):
        return _connected(said, action, shown)
    if isinstance(action, SetReason):
        return _explained(said, action)
    if isinstance(action, SetConfidence):
        # The same level again takes it back.
        level = None if said.confidence == action.level else action.level
        return said.model_copy(update={"confidence": level})
    if isinstance(action, Confirm):
        if said.n_edits:
            raise ContradictionError(
                f"expected a graph without edits to be called right (got {said.n_edits} edits); "
                "undo them, or leave them to speak for themselves"
            )
        return said.model_copy(update={"confirmed": not said.confirmed})
    raise TypeError(f"expected an edit of a class (got {type(action).__name__})")


def class_shown(evidence: GraphEvidence, name: str) -> ClassEvidence:
    """Return a class as it is shown.

    Raises:
        UnknownTargetError: If it is not shown.
    """
    return find_item(evidence.classes, lambda shown: shown.class_name, name, "a class")


def _replaced(said: ClassDraft, action: ReplaceConceptAction, shown: ClassEvidence) -> ClassDraft:
    if action.slot >= len(shown.slots):
        raise UnknownTargetError(
            f"expected a slot from 0 to {len(shown.slots) - 1} (got {action.slot}); correct it"
        )
    earlier = said.concept_in(action.slot)
    others = [edit for edit in said.concepts if edit.slot != action.slot]
    if action.to != shown.slots[action.slot]:
        reason = earlier.reason if earlier else ""
        others.append(SlotEdit(slot=action.slot, to=action.to, reason=reason))
    concepts = tuple(sorted(others, key=lambda edit: edit.slot))
    return said.model_copy(update={"concepts": concepts, "confirmed": False})


def _connected(said: ClassDraft, action: SetEdge, shown: ClassEvidence) -> ClassDraft:
    states = {(edge.src, edge.dst): edge.state for edge in shown.edges}
    ways = [(action.src, action.dst)]
    if action.both_ways:
        ways.append((action.dst, action.src))
    edges = {(edit.src, edit.dst): edit for edit in said.edges}
    for way in ways:
        if way not in states:
            raise UnknownTargetError(
                f"expected an edge between two slots (got {way[0]} to {way[1]}); choose another"
            )
        earlier = edges.pop(way, None)
        if action.state == "as_shown" or action.state == states[way]:
            continue
        reason = earlier.reason if earlier else ""
        edges[way] = EdgeEdit(src=way[0], dst=way[1], state=action.state, reason=reason)
    ordered = tuple(edges[way] for way in sorted(edges))
    return said.model_copy(update={"edges": ordered, "confirmed": said.confirmed and not ordered})


def _explained(said: ClassDraft, action: SetReason) -> ClassDraft:
    if action.dst is None:
        if said.concept_in(action.src) is None:
            raise UnknownTargetError(
                f"expected a replaced concept in slot {action.src} (got none); replace it first"
            )
        concepts = tuple(
            edit.model_copy(update={"reason": action.text}) if edit.slot == action.src else edit
            for edit in said.concepts
        )
        return said.model_copy(update={"concepts": concepts})
    if said.edge_between(action.src, action.dst) is None:
        raise UnknownTargetError(
            f"expected an edited edge {action.src} to {action.dst} (got none); edit it first"
        )
    edges = tuple(
        edit.model_copy(update={"reason": action.text})
        if (edit.src, edit.dst) == (action.src, action.dst)
        else edit
        for edit in said.edges
    )
    return said.model_copy(update={"edges": edges})
