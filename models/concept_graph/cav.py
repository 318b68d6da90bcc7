"""Concept activation vectors: many small linear classifiers fitted at once.

Shape legend: S vectors · D features · P problems · m members of a problem, padded with -1.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from models.concept_graph.params import TcavParams

PROBLEMS_PER_CHUNK = 64
N_STEPS = 60
"""Accelerated gradient steps, after which the cosine with the exact optimum is above 0.999."""


def fit_cavs(vectors: Tensor, positive: Tensor, negative: Tensor, params: TcavParams) -> Tensor:
    """Find the direction in feature space that leads from random segments to a concept's.

    ``hinge`` minimises what ACE's linear classifier minimises, a support vector machine with a free
    intercept: ``1/n sum_i max(0, 1 - y_i (w x_i + b)) + alpha/2 |w|^2``. ``mean_difference`` is the
    difference of the two sets' means.

    Deviates from the paper: the optimum itself, in the dual and for all problems at once, instead
    of one run of stochastic gradient descent each, whose directions at hundreds of features differ
    from seed to seed (cosine near 0.7) more than from random set to random set.

    Args:
        vectors: Feature vectors (S, D), float32.
        positive: Rows of each problem's concept set (P, m1), int64, padded with -1.
        negative: Rows of each problem's random set (P, m2), int64, padded with -1.
        params: Which classifier, and its alpha.

    Returns:
        CAVs (P, D) of unit length, pointing towards the concept; zero where both sets coincide.

    Raises:
        ValueError: If a set of some problem is empty.
    """
    if not bool(((positive >= 0).any(1) & (negative >= 0).any(1)).all()):
        raise ValueError("expected at least one vector on each side of every CAV (got none)")
    rows = torch.cat([positive, negative], dim=1)
    valid = (rows >= 0).to(vectors)
    sign = torch.cat([positive.new_ones(positive.shape), -negative.new_ones(negative.shape)], dim=1)
    sides = sign * valid  # (P, n): +1, -1, or 0 for padding
    rows = rows.clamp_min(0)
    if params.cav == "mean_difference":
        n_side = torch.where(sides > 0, (sides > 0).sum(1, True), (sides < 0).sum(1, True))
        coefficients = sides / n_side.clamp_min(1)
    else:
        gram = vectors @ vectors.T
        coefficients = torch.cat(
            [
                _hinge_coefficients(gram, chunk_rows, chunk_sides, params.alpha)
                for chunk_rows, chunk_sides in zip(
                    torch.split(rows, PROBLEMS_PER_CHUNK),
                    torch.split(sides, PROBLEMS_PER_CHUNK),
                    strict=True,
                )
            ]
        )
    # Every CAV is a combination of the vectors: one product instead of gathering P sets of them.
    combination = vectors.new_zeros(len(rows), len(vectors)).scatter_add(1, rows, coefficients)
    return F.normalize(combination @ vectors, dim=1)


def _hinge_coefficients(gram: Tensor, rows: Tensor, sides: Tensor, alpha: float) -> Tensor:
    """Return the weights (P, n) of the vectors in each support vector machine's normal."""
    valid = sides.abs()
    n = valid.sum(1, keepdim=True)
    kernel = gram[rows[:, :, None], rows[:, None, :]]  # (P, n, n)
    # Centring moves no hyperplane; an almost free intercept is then a constant feature as large as
    # the vectors, which spares the dual its equality constraint.
    mean = (kernel * valid[:, None]).sum(2, keepdim=True) / n[:, :, None]  # (P, n, 1)
    grand = (mean * valid[:, :, None]).sum(1, keepdim=True) / n[:, :, None]
    kernel = kernel - mean - mean.transpose(1, 2) + grand
    spread = (kernel.diagonal(dim1=1, dim2=2) * valid).sum(1, keepdim=True) / n
    dual = (kernel + spread[:, :, None]) * sides[:, :, None] * sides[:, None, :]
    box = valid / (alpha * n)  # 0 for padding
    step = 1 / _largest_eigenvalue(dual)
    current = torch.zeros_like(box)
    ahead, momentum = current, 1.0
    for _ in range(N_STEPS):  # FISTA on the box-constrained dual (Beck & Teboulle 2009)
        slope = 1 - torch.bmm(dual, ahead[:, :, None])[:, :, 0]
        following = torch.minimum((ahead + step * slope).clamp_min(0), box)
        grown = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = following + (momentum - 1) / grown * (following - current)
        current, momentum = following, grown
    weights = current * sides
    return weights - valid * weights.sum(1, keepdim=True) / n


def _largest_eigenvalue(matrices: Tensor) -> Tensor:
    vector = torch.ones_like(matrices[:, :, :1]) + matrices.diagonal(dim1=1, dim2=2)[:, :, None]
    for _ in range(12):
        vector = F.normalize(torch.bmm(matrices, vector), dim=1)
    value = (vector * torch.bmm(matrices, vector)).sum(1)  # (P, 1)
    return (1.1 * value).clamp_min(1e-12)
