"""Accepted edits of an earlier review, said of concepts that were mined anew.

Shape legend: A concepts of then · B concepts of now · D features.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from feedback.channels.concept_graph.ops import (
    AddEdge,
    GraphEdit,
    GraphOp,
    RemoveEdge,
    ReplaceConcept,
)


class Match(NamedTuple):
    """A concept of then and the one of now that it was matched to."""

    old: int
    new: int
    similarity: float


class Twin(NamedTuple):
    """What became of a concept of then."""

    concept_id: str | None
    """The concept of now that is the same; None when none is alike enough, or it is taken."""
    similarity: float
    """Cosine with it, or with the one most alike; -1 when there is nothing to compare."""


class Carried(NamedTuple):
    """One operation rewritten for the graph of now."""

    op: GraphOp
    was: str
    similarity: float


class Lost(NamedTuple):
    """One operation that says nothing about the graph of now."""

    was: str
    why: str


def concept_similarities(old: Tensor, new: Tensor, origin: Tensor) -> Tensor:
    """Compare concepts by the cosine of their features.

    Args:
        old: Features (A, D), by the same network as ``new``.
        new: Features (B, D).
        origin: What all concepts share (D,); without removing it, every pair would look alike,
            for features after a ReLU have a large mean.

    Returns:
        Cosines (A, B), [-1, 1].
    """
    cosines = F.normalize(old - origin, dim=1) @ F.normalize(new - origin, dim=1).T
    return cosines.clamp(-1, 1)


def match_concepts(similarities: Tensor, min_similarity: float) -> list[Match]:
    """Pair concepts one to one, the most alike first.

    Args:
        similarities: Cosines (A, B).
        min_similarity: Smallest cosine of a pair.

    Returns:
        Pairs, the most alike first; of equals the first rows first.
    """
    n_new = similarities.shape[1] if similarities.numel() else 0
    values, order = similarities.flatten().sort(descending=True, stable=True)
    pairs: list[Match] = []
    old_taken: set[int] = set()
    new_taken: set[int] = set()
    for value, place in zip(values.tolist(), order.tolist(), strict=True):
        if value < min_similarity:
            break
        old, new = divmod(place, n_new)
        if old not in old_taken and new not in new_taken:
            old_taken.add(old)
            new_taken.add(new)
            pairs.append(Match(old, new, value))
    return pairs


def find_twins(
    old_ids: Sequence[str], new_ids: Sequence[str], similarities: Tensor, min_similarity: float
) -> dict[str, Twin]:
    """Say of every concept of then which concept of now it is.

    Args:
        old_ids: Names of the A concepts of then.
        new_ids: Names of the B concepts of now.
        similarities: Cosines (A, B).
        min_similarity: Smallest cosine of the same concept.

    Returns:
        What became of each, by its name.
    """
    matched = {match.old: match for match in match_concepts(similarities, min_similarity)}
    best = similarities.amax(dim=1) if len(new_ids) else torch.full((len(old_ids),), -1.0)
    return {
        name: Twin(new_ids[matched[row].new], matched[row].similarity)
        if row in matched
        else Twin(None, float(best[row]))
        for row, name in enumerate(old_ids)
    }


def carry_edit(
    edit: GraphEdit, slots_then: Sequence[str], slots_now: Sequence[str], twins: Mapping[str, Twin]
) -> tuple[list[Carried], list[Lost]]:
    """Rewrite an accepted edit for a graph of concepts that were mined anew.

    Replacements come first; an edge is carried when both of its ends stand in the graph after them.

    Args:
        edit: The edit of one class's graph.
        slots_then: Concepts of that graph as it was shown.
        slots_now: Concepts of the graph that is shown now.
        twins: What became of the concepts of then.

    Returns:
        What can be proposed, and what cannot with the reason; together every operation once.
    """
    carried: list[Carried] = []
    lost: list[Lost] = []
    after_then, after_now = list(slots_then), list(slots_now)
    for op in edit.ops:
        if isinstance(op, ReplaceConcept):
            after_then[op.slot] = op.to
            found = _replacement(op, slots_now, after_now, twins)
            if isinstance(found, Carried) and isinstance(found.op, ReplaceConcept):
                after_now[found.op.slot] = found.op.to
                carried.append(found)
            elif isinstance(found, Lost):
                lost.append(found)
    for op in edit.ops:
        if not isinstance(op, ReplaceConcept):
            edge = _edge(op, after_then, after_now, twins)
            carried += [edge] if isinstance(edge, Carried) else []
            lost += [edge] if isinstance(edge, Lost) else []
    return carried, lost


def _replacement(
    op: ReplaceConcept,
    slots_now: Sequence[str],
    after_now: Sequence[str],
    twins: Mapping[str, Twin],
) -> Carried | Lost:
    was = f"{op.from_} replaced by {op.to}"
    rejected, chosen = _twin(op.from_, twins), _twin(op.to, twins)
    if rejected.concept_id is None:
        return Lost(was, _unmatched(op.from_, rejected))
    if rejected.concept_id not in slots_now:
        return Lost(was, f"{op.from_} is {rejected.concept_id} now and not in the graph")
    if chosen.concept_id is None:
        return Lost(was, _unmatched(op.to, chosen))
    if chosen.concept_id in slots_now or chosen.concept_id in after_now:
        return Lost(was, f"{op.to} is {chosen.concept_id} now and in the graph already")
    rewritten = ReplaceConcept(
        slot=list(slots_now).index(rejected.concept_id),
        from_=rejected.concept_id,
        to=chosen.concept_id,
        reason=op.reason,
    )
    return Carried(rewritten, was, min(rejected.similarity, chosen.similarity))


def _edge(
    op: RemoveEdge | AddEdge,
    after_then: Sequence[str],
    after_now: Sequence[str],
    twins: Mapping[str, Twin],
) -> Carried | Lost:
    both = isinstance(op, AddEdge) and op.bidirectional
    arrow, verb = "↔" if both else "→", "removed" if isinstance(op, RemoveEdge) else "added"
    was = f"edge {after_then[op.src]} {arrow} {after_then[op.dst]} {verb}"
    ends = []
    for name in (after_then[op.src], after_then[op.dst]):
        twin = _twin(name, twins)
        if twin.concept_id is None:
            return Lost(was, _unmatched(name, twin))
        if twin.concept_id not in after_now:
            return Lost(was, f"{name} is {twin.concept_id} now and not in the graph")
        ends.append((list(after_now).index(twin.concept_id), twin.similarity))
    (src, first), (dst, second) = ends
    rewritten = op.model_copy(update={"src": src, "dst": dst})
    return Carried(rewritten, was, min(first, second))


def _twin(name: str, twins: Mapping[str, Twin]) -> Twin:
    return twins.get(name, Twin(None, -1.0))


def _unmatched(name: str, twin: Twin) -> str:
    if twin.similarity <= -1:
        return f"{name} left no picture to compare with"
    return f"no concept is like {name} now (the closest has cosine {twin.similarity:.2f})"
