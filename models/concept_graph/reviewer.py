"""A reviewer in software, who judges as a careful person would from what a bundle shows.

Knows the evidence of the bundle and how much of each concept's examples lies on the object (the
dataset's masks, which a person sees in the pictures). Never sees test images or labels, other
concepts' features, or the network. Draws nothing at random.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from feedback.channels.concept_graph.evidence import ClassEvidence, ConceptCard, GraphEvidence
from feedback.channels.concept_graph.ops import GraphEdit, GraphOp, RemoveEdge, ReplaceConcept
from models.concept_graph.edge_cuts import cut_edges
from models.concept_graph.params import ReviewerParams

MAX_OPS = 64
"""Edits of one class that a feedback document takes."""


@dataclass(frozen=True)
class SimulatedReview:
    """What the reviewer answers.

    Attributes:
        edits: One per class with something to change, in the order of the evidence.
        remarks: One sentence per finding, those that led to no edit included.
    """

    edits: tuple[GraphEdit, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class _Judge:
    """The reviewer's standards applied to one card."""

    object_share: Mapping[str, float | None]
    params: ReviewerParams

    def on_object(self, card: ConceptCard) -> float:
        """Return the share of the concept on the object; without masks, inside the gate."""
        share = self.object_share.get(card.concept_id)
        return 1.0 - card.background_share if share is None else share

    def is_background(self, card: ConceptCard) -> bool:
        return self.on_object(card) < self.params.min_object_share

    def is_shared(self, card: ConceptCard) -> bool:
        cosine, uniqueness = card.closest_other_cosine, card.uniqueness
        return (cosine is not None and cosine > self.params.max_cosine) or (
            uniqueness is not None and uniqueness < self.params.min_uniqueness
        )

    def may_replace(self, card: ConceptCard) -> bool:
        return (
            self.on_object(card) >= self.params.candidate_object_share
            and card.detection_rate >= self.params.min_detection_rate
        )


def simulate_review(
    evidence: GraphEvidence,
    object_share: Mapping[str, float | None],
    params: ReviewerParams | None = None,
) -> SimulatedReview:
    """Replace background and shared concepts, and cut the edges of those that stay distrusted.

    A slot is at fault when its concept lies mostly in the background, or is shared with another
    class. The worst slots choose first, among the class's own concepts outside the graph that lie
    on the object, are distinctive and are found often enough: those clearly on the object first,
    the best by score. A background
    concept without a replacement loses all edges that can go without leaving a concept alone; a
    shared one on the object stays, since it is no cause of error.

    Args:
        evidence: What the bundle shows.
        object_share: Share of each concept's examples on the object, in [0, 1], by concept id;
            None or missing falls back to the share inside the Grad-CAM gate that the card shows.
        params: Standards; None takes the defaults.

    Returns:
        Edits and remarks; no edits when everything is fine.
    """
    judge = _Judge(object_share, params or ReviewerParams())
    edits, remarks = [], []
    for shown in evidence.classes:
        ops, comments = _review_class(shown, judge)
        remarks += [f"{shown.class_name}: {comment}" for comment in comments]
        if ops:
            edits.append(
                GraphEdit(
                    class_name=shown.class_name,
                    base_cscg=shown.base_cscg,
                    ops=tuple(ops),
                    comment=" ".join(comments)[:500],
                )
            )
    return SimulatedReview(edits=tuple(edits), remarks=tuple(remarks))


def _review_class(shown: ClassEvidence, judge: _Judge) -> tuple[list[GraphOp], list[str]]:
    cards = {card.concept_id: card for card in shown.candidates}
    free = _replacements(shown, judge)
    replaced: dict[int, GraphOp] = {}
    distrusted: dict[int, str] = {}
    comments: list[str] = []
    for slot in _faulty_slots([cards[concept] for concept in shown.slots], judge):
        card = cards[shown.slots[slot]]
        fault = _fault(card, judge)
        choice = _choose(free, card, judge)
        if choice is not None:
            free.remove(choice)
            reason = _why_replaced(fault, choice, judge)
            replaced[slot] = ReplaceConcept(
                slot=slot, from_=card.concept_id, to=choice.concept_id, reason=reason
            )
            outcome = reason
        elif judge.is_background(card):
            distrusted[slot] = fault
            outcome = f"{fault}; no concept of the class is fit to replace it, so edges are cut"
        else:
            outcome = f"{fault}; nothing more distinctive is left, so it stays"
        comments.append(f"slot {slot}, {card.concept_id}: {outcome}.")
    ops = [replaced[slot] for slot in sorted(replaced)]
    return ops + _cuts(shown, distrusted, limit=MAX_OPS - len(ops)), comments


def _faulty_slots(in_graph: list[ConceptCard], judge: _Judge) -> list[int]:
    """Return slots to change: background before shared, the worst first; the slot settles ties."""
    found = [
        (not judge.is_background(card), judge.on_object(card), slot)
        for slot, card in enumerate(in_graph)
        if judge.is_background(card) or judge.is_shared(card)
    ]
    return [slot for _, _, slot in sorted(found)]


def _replacements(shown: ClassEvidence, judge: _Judge) -> list[ConceptCard]:
    fit = [
        card
        for card in shown.candidates
        if card.class_name == shown.class_name
        and card.concept_id not in shown.slots
        and judge.may_replace(card)
    ]
    return sorted(
        fit,
        key=lambda card: (judge.on_object(card) < judge.params.clear_object_share, *_rank(card)),
    )


def _choose(free: list[ConceptCard], card: ConceptCard, judge: _Judge) -> ConceptCard | None:
    for candidate in free:
        if not judge.is_shared(candidate):
            return candidate
    # A shared part of the object is still better than the background, but not than another.
    if free and judge.is_background(card) and judge.params.accept_shared:
        return free[0]
    return None


def _rank(card: ConceptCard) -> tuple[float, float, str]:
    score = float("-inf") if card.score is None else card.score
    magnitude = float("-inf") if card.tcav_magnitude is None else card.tcav_magnitude
    return (-score, -magnitude, card.concept_id)


def _cuts(shown: ClassEvidence, reasons: Mapping[int, str], limit: int) -> list[GraphOp]:
    strength = {
        (edge.src, edge.dst): abs(edge.contribution)
        for edge in shown.edges
        if edge.state != "removed"
    }
    cuts = cut_edges(strength, frozenset(reasons), limit=limit)
    ops: list[GraphOp] = []
    for src, dst in cuts:
        slot = src if src in reasons else dst
        reason = f"{shown.slots[slot]} {reasons[slot]} and could not be replaced"
        ops.append(RemoveEdge(src=src, dst=dst, reason=reason[:500]))
    return ops


def _fault(card: ConceptCard, judge: _Judge) -> str:
    if judge.is_background(card):
        share = judge.on_object(card)
        if judge.object_share.get(card.concept_id) is None:
            return f"lies where the network does not look ({share:.0%} of it inside the gate)"
        return f"lies in the background ({share:.0%} of its examples' area on the object)"
    return f"looks the same as {card.closest_other or 'a concept of another class'}"


def _why_replaced(fault: str, choice: ConceptCard, judge: _Judge) -> str:
    reason = (
        f"{fault}; {choice.concept_id} has {judge.on_object(choice):.0%} on the object"
        f" and is found in {choice.detection_rate:.0%} of the images"
    )
    if judge.is_shared(choice):
        reason += ", though another class has one like it"
    return reason[:500]
