"""From the evidence of a bundle to what the figures draw, before and after an edit."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from feedback.channels.concept_graph.evidence import ClassEvidence, ConceptCard
from feedback.channels.concept_graph.ops import AddEdge, GraphEdit, RemoveEdge, ReplaceConcept
from models.concept_graph.cards_figure import ConceptCardView
from models.concept_graph.graph_view import (
    ClassGraphView,
    ConceptNode,
    DependencyEdge,
    EdgeState,
)

Crops = Mapping[str, Sequence[NDArray[np.uint8]]]
"""Example pictures (h, w, 3) by concept id, the most typical first."""

Edge = tuple[int, int]


def class_graph_view(
    shown: ClassEvidence,
    crops: Crops,
    *,
    edit: GraphEdit | None = None,
    node_contributions: Sequence[float] | None = None,
    edge_contributions: Mapping[Edge, float] | None = None,
    background: Mapping[str, float] | None = None,
    note: str = "",
) -> ClassGraphView:
    """Show a class graph as the bundle has it, or as an edit leaves it.

    Args:
        shown: Evidence of the class.
        crops: Example pictures; a concept without any gets an empty frame.
        edit: Edit to apply; None shows the graph as mined.
        node_contributions: Mean contribution per slot (K,); None takes the evidence's, and 0 for a
            concept that the edit put in.
        edge_contributions: Mean contribution by (source, target); None takes the evidence's, and 0
            for edges of a concept that the edit put in.
        background: Share of each concept in the background by concept id, e.g. from masks; a
            concept that is not named shows the card's share outside the Grad-CAM gate.
        note: Text beside the class's name.

    Returns:
        The view; edits of edges show as removed and added.
    """
    cards = {card.concept_id: card for card in shown.candidates}
    ops = () if edit is None else edit.ops
    replaced = {op.slot: op.to for op in ops if isinstance(op, ReplaceConcept)}
    slots = [replaced.get(slot, concept) for slot, concept in enumerate(shown.slots)]
    known = shown.node_contributions or (0.0,) * len(slots)
    values = node_contributions or [0.0 if k in replaced else v for k, v in enumerate(known)]
    nodes = tuple(
        _node(cards[concept], crops, background or {}, value, is_new=slot in replaced)
        for slot, (concept, value) in enumerate(zip(slots, values, strict=True))
    )
    states = _edge_states(shown, edit)
    edges = []
    for edge in shown.edges:
        ends = (edge.src, edge.dst)
        value = 0.0 if replaced.keys() & set(ends) else edge.contribution
        if edge_contributions is not None:
            value = edge_contributions.get(ends, 0.0)
        edges.append(DependencyEdge(*ends, contribution=value, state=states[ends]))
    return ClassGraphView(shown.class_name, nodes, tuple(edges), note)


def concept_card_views(
    shown: ClassEvidence, crops: Crops, *, background: Mapping[str, float] | None = None
) -> tuple[ConceptCardView, ...]:
    """Show the concepts of a class: those of the graph in slot order, then the candidates.

    Args:
        shown: Evidence of the class.
        crops: Example pictures by concept id.
        background: As for ``class_graph_view``.

    Returns:
        One view per card.
    """
    slot_of = {concept: slot for slot, concept in enumerate(shown.slots)}
    ordered = sorted(shown.candidates, key=lambda c: slot_of.get(c.concept_id, len(slot_of)))
    return tuple(
        ConceptCardView(
            concept_id=card.concept_id,
            crops=tuple(crops.get(card.concept_id, ())),
            slot=slot_of.get(card.concept_id),
            tcav_score=card.tcav_score,
            tcav_low=card.tcav_low,
            tcav_high=card.tcav_high,
            significant=card.significant,
            detection_rate=card.detection_rate,
            background_share=(background or {}).get(card.concept_id, card.background_share),
        )
        for card in ordered
    )


def _node(
    card: ConceptCard,
    crops: Crops,
    background: Mapping[str, float],
    contribution: float,
    *,
    is_new: bool,
) -> ConceptNode:
    pictures = crops.get(card.concept_id, ())
    return ConceptNode(
        concept_id=card.concept_id,
        crop=pictures[0] if len(pictures) else None,
        tcav_score=card.tcav_score,
        tcav_low=card.tcav_low,
        tcav_high=card.tcav_high,
        detection_rate=card.detection_rate,
        background_share=background.get(card.concept_id, card.background_share),
        contribution=contribution,
        is_new=is_new,
    )


def _edge_states(shown: ClassEvidence, edit: GraphEdit | None) -> dict[Edge, EdgeState]:
    states: dict[Edge, EdgeState] = {(edge.src, edge.dst): edge.state for edge in shown.edges}
    for op in () if edit is None else edit.ops:
        if isinstance(op, RemoveEdge):
            states[op.src, op.dst] = "removed"
        elif isinstance(op, AddEdge):
            states[op.src, op.dst] = "added"
            if op.bidirectional:
                states[op.dst, op.src] = "added"
    return states
