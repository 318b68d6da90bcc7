"""Whether edits fit the evidence that was shown: refusals and warnings."""

from collections.abc import Mapping, Sequence

from feedback.channels.concept_graph.evidence import ClassEvidence, ConceptCard, GraphEvidence
from feedback.channels.concept_graph.ops import AddEdge, GraphEdit, RemoveEdge, ReplaceConcept
from feedback.errors import BundleMismatchError, ContradictionError, UnknownTargetError

RARE_BELOW = 0.2
"""A concept found in a smaller share of its class's images says little about the class."""

SAME_ABOVE = 0.95
"""Concepts of two classes with a larger cosine do not tell the classes apart."""

Edge = tuple[int, int]


def check_edits(
    evidence: GraphEvidence, edits: Sequence[GraphEdit], *, verdict: str
) -> tuple[str, ...]:
    """Refuse edits that do not fit the evidence, and warn of those that will hardly help.

    Args:
        evidence: What was shown.
        edits: One reviewer's edits, at most one per class.
        verdict: The reviewer's verdict on the request.

    Returns:
        Warnings, one sentence each.

    Raises:
        BundleMismatchError: If an edit was made on another revision of a graph.
        UnknownTargetError: If it names a class, slot, concept or edge that was not shown.
        ContradictionError: If edits exclude each other or the verdict.
    """
    if verdict == "reject" and any(edit.ops for edit in edits):
        raise ContradictionError(
            "expected no edits with the verdict 'reject' (got some); approve with the edits, or "
            "reject without"
        )
    names = [edit.class_name for edit in edits]
    for name in names:
        if names.count(name) > 1:
            raise ContradictionError(
                f"expected one response per class (got two for {_quoted(name)}); join them"
            )
    classes = {shown.class_name: shown for shown in evidence.classes}
    warnings: list[str] = []
    slots: dict[str, tuple[str, ...]] = {}
    for edit in edits:
        shown = classes.get(edit.class_name)
        if shown is None:
            raise UnknownTargetError(
                f"expected one of the classes {', '.join(map(_quoted, classes))} "
                f"(got {_quoted(edit.class_name)}); edit a class that was shown"
            )
        if edit.base_cscg != shown.base_cscg:
            raise BundleMismatchError(
                f"expected base_cscg {shown.base_cscg} of class {_quoted(edit.class_name)} "
                f"(got {edit.base_cscg}); the graph has changed, edit it again"
            )
        slots[edit.class_name] = _edited_slots(shown, edit, warnings)
        _check_edges(shown, edit)
    warnings += _same_concepts(classes, slots)
    return tuple(warnings)


def _edited_slots(shown: ClassEvidence, edit: GraphEdit, warnings: list[str]) -> tuple[str, ...]:
    cards = {card.concept_id: card for card in shown.candidates}
    slots = list(shown.slots)
    replaced: set[int] = set()
    for op in edit.ops:
        if not isinstance(op, ReplaceConcept):
            continue
        _check_slots(shown, op.slot)
        if op.slot in replaced:
            raise ContradictionError(
                f"expected slot {op.slot} to be replaced once (got twice); leave one out"
            )
        replaced.add(op.slot)
        if op.from_ != shown.slots[op.slot]:
            raise UnknownTargetError(
                f"expected {_quoted(shown.slots[op.slot])} in slot {op.slot} of class "
                f"{_quoted(shown.class_name)} (got {_quoted(op.from_)}); name what stands there"
            )
        card = cards.get(op.to)
        if card is None:
            raise UnknownTargetError(
                f"expected a candidate of class {_quoted(shown.class_name)} "
                f"(got {_quoted(op.to)}); choose one of the {len(cards)} that were shown"
            )
        if op.to in shown.slots:
            raise ContradictionError(
                f"expected a concept that is not in the graph (got {_quoted(op.to)}, slot "
                f"{shown.slots.index(op.to)}); choose another candidate"
            )
        slots[op.slot] = op.to
        warnings += _weak_concept(shown, card)
    if len(set(slots)) != len(slots):
        raise ContradictionError(
            "expected a concept in one slot (got the same candidate in two); choose another one"
        )
    return tuple(slots)


def _check_edges(shown: ClassEvidence, edit: GraphEdit) -> None:
    removed: set[Edge] = set()
    added: set[Edge] = set()
    for op in edit.ops:
        if isinstance(op, ReplaceConcept):
            continue
        edges = [(op.src, op.dst)]
        if isinstance(op, AddEdge) and op.bidirectional:
            edges.append((op.dst, op.src))
        _check_slots(shown, op.src, op.dst)
        if op.src == op.dst:
            raise UnknownTargetError(
                f"expected an edge between two slots (got {op.src} to itself); choose another"
            )
        mine, other = (removed, added) if isinstance(op, RemoveEdge) else (added, removed)
        for edge in edges:
            if edge in other:
                raise ContradictionError(
                    f"expected edge {edge[0]} to {edge[1]} to be removed or added (got both); "
                    "leave one out"
                )
            if edge in mine:
                raise ContradictionError(
                    f"expected one edit of edge {edge[0]} to {edge[1]} (got two); leave one out"
                )
            mine.add(edge)
    gone = {(edge.src, edge.dst) for edge in shown.edges if edge.state == "removed"}
    left = {(edge.src, edge.dst) for edge in shown.edges} - (gone - added) - removed
    if not removed:
        return
    for slot, concept in enumerate(shown.slots):
        if not any(slot in edge for edge in left):
            raise ContradictionError(
                f"expected an edge left at slot {slot} ({_quoted(concept)}) of class "
                f"{_quoted(shown.class_name)} (got none); keep one, or replace the concept"
            )


def _check_slots(shown: ClassEvidence, *slots: int) -> None:
    for slot in slots:
        if slot >= len(shown.slots):
            raise UnknownTargetError(
                f"expected a slot from 0 to {len(shown.slots) - 1} (got {slot}); correct it"
            )


def _weak_concept(shown: ClassEvidence, card: ConceptCard) -> list[str]:
    warnings = []
    if card.detection_rate < RARE_BELOW:
        warnings.append(
            f"{card.concept_id} is found in {card.detection_rate:.0%} of the images of "
            f"{shown.class_name}; below {RARE_BELOW:.0%} it says little about the class"
        )
    if card.class_name != shown.class_name:
        warnings.append(
            f"{card.concept_id} was mined from {card.class_name}, not from {shown.class_name}"
        )
    return warnings


def _same_concepts(
    classes: Mapping[str, ClassEvidence], slots: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """Warn of new concepts that are nearly one of another class's graph after the edits."""
    warnings = []
    after = {name: slots.get(name, shown.slots) for name, shown in classes.items()}
    for name, concepts in slots.items():
        cards = {card.concept_id: card for card in classes[name].candidates}
        elsewhere = {c: other for other, ids in after.items() if other != name for c in ids}
        for concept in set(concepts) - set(classes[name].slots):
            card = cards[concept]
            twin = concept if concept in elsewhere else card.closest_other
            cosine = 1.0 if concept in elsewhere else (card.closest_other_cosine or 0.0)
            if twin in elsewhere and cosine > SAME_ABOVE:
                warnings.append(
                    f"{concept} of {name} is nearly {twin} in the graph of {elsewhere[twin]} "
                    f"(cosine {cosine:.2f}); it will not tell them apart"
                )
    return sorted(warnings)


def _quoted(name: str) -> str:
    return repr(name[:80])
