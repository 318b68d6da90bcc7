"""How the champion's class graphs differ from those of another request, from the records alone.

The champion's graphs are those that its reviewers were shown, with the edits that were accepted.
Concepts get new numbers whenever they are mined, so they are told apart by their examples: two
concepts are the same when their typical segments are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from feedback.bundle import ReviewBundle
from feedback.channels.concept_graph.answers import read_graph_edits
from feedback.channels.concept_graph.evidence import ClassEvidence, ConceptCard
from feedback.channels.concept_graph.ops import AddEdge, GraphEdit, RemoveEdge, ReplaceConcept
from feedback.channels.concept_graph.packing import read_evidence
from feedback.fields import JsonObject
from feedback.since import Difference

Pair = tuple[str, str]

MINED_ANEW = "mined anew"
"""Stands for a concept of the champion that is not among the candidates of now."""

_EDGE = {"auto": "as learned", "removed": "cut", "added": "asserted"}
_LONGEST = 500


@dataclass(frozen=True)
class _Graph:
    """A class graph by names: concepts in slot order, edges that are not as learned, and why."""

    slots: tuple[str, ...]
    states: dict[Pair, str]
    reasons: dict[str | Pair, str]


def differences(
    then: ReviewBundle, edits: Sequence[JsonObject], now: ReviewBundle
) -> tuple[Difference, ...]:
    """List the concepts and edges that the champion has otherwise than a request shows.

    Args:
        then: The request by which the champion was promoted.
        edits: Responses that were accepted there.
        now: The request to compare with.

    Returns:
        Concepts, then edges, class by class; empty when the graphs are the same.

    Raises:
        ValidationError: If the evidence does not follow the channel's schema.
        MalformedDocumentError: If an edit does not.
    """
    made = {edit.class_name: edit for edit in read_graph_edits(edits)}
    shown = {evidence.class_name: evidence for evidence in read_evidence(now).classes}
    found: list[Difference] = []
    for before in read_evidence(then).classes:
        edit, after = made.get(before.class_name), shown.get(before.class_name)
        if after is not None:
            found += _compare(before, edit, after)
        elif edit is not None and edit.ops:
            told = f"edited in {len(edit.ops)} place{'s' if len(edit.ops) > 1 else ''}"
            found.append(_difference(before.class_name, "graph", told, "not under review"))
    return tuple(found)


def _compare(
    before: ClassEvidence, edit: GraphEdit | None, after: ClassEvidence
) -> list[Difference]:
    names = {card.concept_id: _called_now(card, after.candidates) for card in before.candidates}
    champion, shown = _edited(before, edit, names), _as_shown(after)
    # Concepts may stand in other slots: what counts is which of them a graph has.
    lost = [(i, name) for i, name in enumerate(champion.slots) if name not in shown.slots]
    new = [name for name in shown.slots if name not in champion.slots]
    rows = []
    for i, name in lost:
        # The one in the same slot, where there is one; else any that is left over.
        same = i < len(shown.slots) and shown.slots[i] in new
        other = shown.slots[i] if same else (new[0] if new else "")
        if other:
            new.remove(other)
        rows.append(
            _difference(
                before.class_name,
                f"slot {i + 1}",
                name,
                other or "not in the graph",
                champion.reasons.get(name, ""),
            )
        )
    rows += [_difference(before.class_name, "slot", "not in the graph", name) for name in new]
    for pair in sorted(champion.states.keys() | shown.states.keys()):
        theirs, ours = _state(champion, pair), _state(shown, pair)
        if theirs != ours:
            part, why = f"edge {pair[0]} → {pair[1]}", champion.reasons.get(pair, "")
            rows.append(_difference(before.class_name, part, theirs, ours, why))
    return rows


def _edited(evidence: ClassEvidence, edit: GraphEdit | None, names: dict[str, str]) -> _Graph:
    """Apply an edit to a graph, and name its concepts as they are called now."""
    slots, states = list(evidence.slots), {(e.src, e.dst): e.state for e in evidence.edges}
    reasons: dict[str | tuple[int, int], str] = {}
    for op in edit.ops if edit else ():
        match op:
            case ReplaceConcept():
                slots[op.slot] = op.to
                reasons[op.to] = op.reason
            case RemoveEdge():
                states[op.src, op.dst] = "removed"
                reasons[op.src, op.dst] = op.reason
            case AddEdge():
                for ends in [(op.src, op.dst), (op.dst, op.src)][: 1 + op.bidirectional]:
                    states[ends] = "added"
                    reasons[ends] = op.reason
    called = [names.get(name, name) for name in slots]
    return _Graph(
        slots=tuple(called),
        states={(called[i], called[j]): s for (i, j), s in states.items() if s != "auto"},
        reasons={
            names.get(key, key) if isinstance(key, str) else (called[key[0]], called[key[1]]): why
            for key, why in reasons.items()
        },
    )


def _as_shown(evidence: ClassEvidence) -> _Graph:
    slots = evidence.slots
    states = {
        (slots[edge.src], slots[edge.dst]): edge.state
        for edge in evidence.edges
        if edge.state != "auto"
    }
    return _Graph(slots, dict(states), {})


def _state(graph: _Graph, pair: Pair) -> str:
    if not set(pair) <= set(graph.slots):
        return "not in the graph"
    return _EDGE[graph.states.get(pair, "auto")]


def _called_now(card: ConceptCard, candidates: Sequence[ConceptCard]) -> str:
    """Return what a concept is called among the candidates of now."""
    same = [other.concept_id for other in candidates if _looks(other) == _looks(card)]
    if card.concept_id in same:
        return card.concept_id
    return same[0] if len(same) == 1 else f"{card.concept_id} ({MINED_ANEW})"


def _looks(card: ConceptCard) -> object:
    segments = sorted((exemplar.image, exemplar.box) for exemplar in card.exemplars)
    return card.class_name, segments or card.concept_id


def _difference(target: str, part: str, champion: str, shown: str, reason: str = "") -> Difference:
    return Difference(
        target=target,
        part=part[:_LONGEST],
        champion=champion[:_LONGEST],
        shown=shown[:_LONGEST],
        reason=reason,
    )
