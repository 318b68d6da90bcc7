"""How far reviewers agree on the cells that they were shown.

M cells, of one image or of many put together · R reviewers.
"""

from dataclasses import dataclass
from itertools import combinations

from torch import Tensor

from feedback.kappa import cohen_kappa


@dataclass(frozen=True)
class Agreement:
    """How the marks of two reviewers compare; of several, means over the pairs of them.

    Attributes:
        overlap: Cells that both marked alike over those that either marked (IoU), in [0, 1]; 1
            when neither marked any.
        kappa: Cohen's kappa over all cells, in [-1, 1]; None when chance alone makes them agree
            everywhere.
        contradicted: Positions of the cells that one calls irrelevant and the other important.
    """

    overlap: float
    kappa: float | None
    contradicted: tuple[int, ...]


def compare_marks(first: Tensor, second: Tensor) -> Agreement:
    """Compare two reviewers' weights of the same cells.

    A cell's category is the sign of its weight; kappa is that of ``feedback/kappa.py``.

    Args:
        first: One reviewer's weights of the cells (M,); 0 for a cell left alone.
        second: The other's.

    Returns:
        The comparison.

    Raises:
        ValueError: If the cells differ in number, or there are none.
    """
    if first.shape != second.shape or first.ndim != 1 or len(first) == 0:
        raise ValueError(
            f"expected the weights of the same cells (M,) twice "
            f"(got {tuple(first.shape)} and {tuple(second.shape)})"
        )
    a, b = first.sign(), second.sign()
    either = (a != 0) | (b != 0)
    both = either & (a == b)
    overlap = float(both.sum() / either.sum()) if bool(either.any()) else 1.0
    kappa = cohen_kappa(a.tolist(), b.tolist()).value
    return Agreement(overlap, kappa, tuple((a * b < 0).nonzero().flatten().tolist()))


def compare_all(weights: Tensor) -> Agreement:
    """Compare every reviewer's weights of the same cells with every other's.

    Args:
        weights: Weights of the cells by reviewer (R, M), of two or more.

    Returns:
        Mean overlap and kappa over the pairs, of those pairs that have one; all cells that any two
        contradict each other on.

    Raises:
        ValueError: If there is only one reviewer, or no cell.
    """
    if len(weights) < 2:
        raise ValueError(f"expected the weights of two reviewers or more (got {len(weights)})")
    pairs = [compare_marks(one, other) for one, other in combinations(weights, 2)]
    kappas = [pair.kappa for pair in pairs if pair.kappa is not None]
    return Agreement(
        overlap=sum(pair.overlap for pair in pairs) / len(pairs),
        kappa=sum(kappas) / len(kappas) if kappas else None,
        contradicted=tuple(sorted({at for pair in pairs for at in pair.contradicted})),
    )
