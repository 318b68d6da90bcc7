"""Shares and Cohen's kappa with intervals, of few cases at a time."""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

FEW = 30
"""Below so many cases a share or a kappa says little."""

_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Kappa:
    """How far two people put the same cases into the same categories.

    Attributes:
        n: Cases.
        same: Cases that both put into one category.
        value: Cohen's kappa, in [-1, 1]; None when chance alone makes them agree everywhere.
        low: Lower end of its 95 % interval; None without a value.
        high: Upper end.
    """

    n: int
    same: int
    value: float | None
    low: float | None = None
    high: float | None = None

    @property
    def is_few(self) -> bool:
        """Whether the cases are too few to rely on."""
        return self.n < FEW


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> Kappa:
    """Compare two people's categories of the same cases.

    ``kappa = (p_o - p_e) / (1 - p_e)`` (Cohen 1960) with p_o the share of cases of equal category
    and ``p_e = sum_k p1_k p2_k`` what chance gives.

    Deviates from the paper: the interval is Wilson's of p_o with p_e held fixed, which does not
    shrink to a point when all of few cases agree.

    Args:
        first: One person's category of each case.
        second: The other's.

    Returns:
        The comparison.

    Raises:
        ValueError: If the cases differ in number, or there are none.
    """
    n = len(first)
    if n != len(second) or n == 0:
        raise ValueError(f"expected the same cases twice (got {n} and {len(second)})")
    same = sum(one == other for one, other in zip(first, second, strict=True))
    left, right = Counter(first), Counter(second)
    matched = sum(count * right[category] for category, count in left.items())
    if matched == n * n:
        return Kappa(n, same, None)
    by_chance = matched / (n * n)

    def kappa(observed: float) -> float:
        return (observed - by_chance) / (1 - by_chance)

    low, high = wilson_interval(same, n)
    return Kappa(n, same, kappa(same / n), kappa(low), kappa(high))


def wilson_interval(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share by Wilson 1927.

    Args:
        hits: Cases that hold.
        n: All cases.

    Returns:
        Its ends, in [0, 1].

    Raises:
        ValueError: If there are no cases, or more hits than cases.
    """
    if not 0 <= hits <= n or n == 0:
        raise ValueError(f"expected hits among one or more cases (got {hits} of {n})")
    share, z2 = hits / n, _Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)
