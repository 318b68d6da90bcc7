"""How often concepts are matched rightly where it is known which of now is which of then.

Shape legend: n concepts of one class; row i of a matrix and its column i are the same concept.
"""

from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass

import torch
from torch import Tensor

from models.concept_graph.carrying import match_concepts

SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Quantiles that results state."""


@dataclass(frozen=True)
class TwinCounts:
    """What became of the concepts of then at one smallest cosine.

    Attributes:
        concepts: How many there were.
        right: Paired with themselves.
        wrong: Paired with another one.
        unmatched: Paired with none.
        mistaken: Paired with another one as soon as they themselves are no longer there.
    """

    concepts: int
    right: int
    wrong: int
    unmatched: int
    mistaken: int

    def to_json(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


def count_twins(similarities: Tensor, min_similarity: float) -> TwinCounts:
    """Match as a run does, once with all concepts of now and once without each of them.

    Args:
        similarities: Cosines (n, n) of then (rows) with now (columns).
        min_similarity: Smallest cosine of a pair.
    """
    n = len(similarities)
    pairs = match_concepts(similarities, min_similarity)
    right = sum(pair.old == pair.new for pair in pairs)
    mistaken = 0
    for gone in range(n):
        left = [column for column in range(n) if column != gone]
        pairs_left = match_concepts(similarities[:, left], min_similarity)
        mistaken += any(pair.old == gone for pair in pairs_left)
    return TwinCounts(n, right, len(pairs) - right, n - len(pairs), mistaken)


def total(counts: Iterable[TwinCounts]) -> TwinCounts:
    """Add up the counts of several classes."""
    rows = [astuple(one) for one in counts]
    return TwinCounts(*(sum(column) for column in zip(*rows, strict=True)))


def same_and_best_other(similarities: Tensor) -> tuple[Tensor, Tensor]:
    """Return every concept's cosine with itself, and with the most alike of the others.

    Args:
        similarities: Cosines (n, n).

    Returns:
        Two tensors (n,); the second is empty when there are no others.
    """
    n = len(similarities)
    others = similarities[~torch.eye(n, dtype=torch.bool)].reshape(n, n - 1)
    return similarities.diagonal(), others.amax(dim=1) if n > 1 else similarities.new_empty(0)


def quantiles(values: Tensor) -> dict[str, float]:
    """Return some quantiles of the values (n,), named by their share; none of no values."""
    if not len(values):
        return {}
    found = values.quantile(torch.tensor(SHARES, dtype=values.dtype))
    return {
        f"{share:g}": round(value, 3) for share, value in zip(SHARES, found.tolist(), strict=True)
    }
