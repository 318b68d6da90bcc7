"""Which classes are worth a reviewer's time: those the network mixes up with each other.

Works from labelled validation images and from the unlabelled pool; test labels are never seen here.
Shape legend: N classes.
"""

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_EXACT_LIMIT = 200_000
"""Up to so many groups are all compared (well under a second); beyond, they are grown greedily."""


@dataclass(frozen=True)
class ConfusedPair:
    """How much two classes are mixed up: shares in [0, 1], NaN where no image could tell.

    Attributes:
        first: Smaller class index.
        second: Larger class index.
        validation: Mean probability given to the one on labelled images of the other.
        pool: The same, estimated on unlabelled images.
        combined: Mean of those that are known; the score that was maximised.
    """

    first: int
    second: int
    validation: float
    pool: float
    combined: float


@dataclass(frozen=True)
class ClassSuggestion:
    """A group of classes to repair and why.

    Attributes:
        class_ids: The suggested classes, ascending.
        score: Sum of the combined confusion of all pairs in the group.
        pairs: The pairs within the group, most confused first.
    """

    class_ids: tuple[int, ...]
    score: float
    pairs: tuple[ConfusedPair, ...]


def suggest_classes(validation: Tensor, pool: Tensor | None, n_classes: int) -> ClassSuggestion:
    """Find the group of classes with the largest mutual confusion.

    The score of a pair is the mean of two estimates of how much images of one class look like the
    other, of which the second counts half: of calibrated probabilities and equally frequent classes
    it is half of the first::

        (C_ij + C_ji) / 2      from validation images
        M_ij / (m_i + m_j)     from the pool: M_ij = mean p_i p_j, m_i the mean probability of i

    A shortcut that holds on all labelled images only shows in the pool, where it breaks. Every
    group is compared when there are few enough, otherwise groups are grown greedily around each
    class; ties go to the smaller indices.

    Args:
        validation: C (N, N) of ``metrics.soft_confusion``; rows of NaN for classes without
            validation images.
        pool: M (N, N) of ``metrics.pool_confusion``, or None without a pool.
        n_classes: Size of the group, 2..N.

    Returns:
        The group, its score and its pairs.

    Raises:
        ValueError: If shapes do not fit, or the size is out of range.
    """
    n = len(validation)
    if validation.shape != (n, n) or (pool is not None and pool.shape != (n, n)):
        raise ValueError(
            f"expected square matrices of one size (got {tuple(validation.shape)} and "
            f"{None if pool is None else tuple(pool.shape)})"
        )
    if not 2 <= n_classes <= n:
        raise ValueError(f"expected a group of 2..{n} classes (got {n_classes})")
    labelled = ((validation + validation.T) / 2).double().cpu().numpy()
    unlabelled = _conditional(pool) if pool is not None else np.full((n, n), np.nan)
    combined = _mean_of_known(labelled, unlabelled)
    exact = math.comb(n, n_classes) <= _EXACT_LIMIT
    group = _best_group(combined, n_classes) if exact else _grow_group(combined, n_classes)
    pairs = [
        ConfusedPair(i, j, float(labelled[i, j]), float(unlabelled[i, j]), float(combined[i, j]))
        for i, j in combinations(group, 2)
    ]
    return ClassSuggestion(
        class_ids=group,
        score=sum(pair.combined for pair in pairs),
        pairs=tuple(sorted(pairs, key=lambda pair: -pair.combined)),
    )


def _conditional(pool: Tensor) -> NDArray[np.float64]:
    joint = ((pool + pool.T) / 2).double()
    prior = joint.sum(dim=1)
    total = prior[:, None] + prior[None, :]
    # A class that the pool does not contain says nothing about itself: NaN, not zero.
    return torch.where(total > 0, joint / total, torch.nan).cpu().numpy()


def _mean_of_known(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    stacked = np.stack([first, second])
    known = np.isfinite(stacked)
    total = np.where(known, stacked, 0.0).sum(axis=0)
    mean = total / np.maximum(known.sum(axis=0), 1)
    np.fill_diagonal(mean, 0.0)
    return np.asarray(mean)


def _best_group(weights: NDArray[np.float64], size: int) -> tuple[int, ...]:
    groups = np.array(list(combinations(range(len(weights)), size)))  # (G, size), lexicographic
    scores = np.zeros(len(groups))
    for i, j in combinations(range(size), 2):
        scores += weights[groups[:, i], groups[:, j]]
    return tuple(groups[int(scores.argmax())].tolist())


def _grow_group(weights: NDArray[np.float64], size: int) -> tuple[int, ...]:
    best: tuple[float, tuple[int, ...]] = (-math.inf, ())
    for start in range(len(weights)):
        group, score = [start], 0.0
        while len(group) < size:
            gain = weights[group].sum(axis=0)
            gain[group] = -math.inf
            group.append(int(gain.argmax()))
            score += float(gain.max())
        if score > best[0]:
            best = score, tuple(sorted(group))
    return best[1]
