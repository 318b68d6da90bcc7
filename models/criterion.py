"""One condition of a promotion rule: a bound of a paired difference, and the sentence about it."""

import math
from dataclasses import dataclass

from models.paired import PairedDifference


@dataclass(frozen=True)
class Criterion:
    """Whether a condition holds.

    Attributes:
        passed: Whether it does.
        text: One plain sentence with its numbers; begins with ``Passed`` or ``Refused``.
    """

    passed: bool
    text: str


def has_bounds(difference: PairedDifference) -> bool:
    """Tell whether a difference and both its bounds are finite numbers."""
    return all(map(math.isfinite, (difference.mean, difference.low, difference.high)))


def in_points(difference: PairedDifference) -> str:
    """Write a difference in points of accuracy: ``+4.2 points, 95 % interval +1.0 to +7.4``."""
    return (
        f"{100 * difference.mean:+.1f} points, {100 * difference.confidence:g} % interval "
        f"{100 * difference.low:+.1f} to {100 * difference.high:+.1f} {_basis(difference)}"
    )


def in_nats(difference: PairedDifference) -> str:
    """Write a difference of negative log-likelihoods: ``-0.120 nats, 95 % interval ...``."""
    return (
        f"{difference.mean:+.3f} nats, {100 * difference.confidence:g} % interval "
        f"{difference.low:+.3f} to {difference.high:+.3f} {_basis(difference)}"
    )


def stays_within(difference: PairedDifference, band: float, *, steady: str, lost: str) -> Criterion:
    """Ask that a loss larger than a band is excluded (a test of non-inferiority).

    Args:
        difference: What is judged; negative where it was lost.
        band: Largest loss that the lower bound may reach, as a share.
        steady: Begins the sentence when it holds, e.g. ``the other classes stay within the guard
            band of 2 points``.
        lost: Begins it when it does not.

    Returns:
        The condition; a bound that is not a finite number refuses.
    """
    if not has_bounds(difference):
        return Criterion(False, f"Refused: {lost}: a difference or its bounds are not finite.")
    if difference.low >= -band:
        return Criterion(True, f"Passed: {steady}, {in_points(difference)}.")
    return Criterion(False, f"Refused: {lost}, {in_points(difference)}.")


def too_few(difference: PairedDifference, least: int, subject: str) -> Criterion | None:
    """Refuse a comparison on a handful of test images, of which a bootstrap is too sure.

    Args:
        difference: What is judged.
        least: Test images that are needed.
        subject: What is judged by them, e.g. ``the edited classes``.

    Returns:
        None when there are enough: no sentence tells of it.
    """
    if difference.n_images >= least:
        return None
    return Criterion(
        False,
        f"Refused: {subject} need {least} test images to judge by (got {difference.n_images}); add "
        "some or lower min_images.",
    )


def _basis(difference: PairedDifference) -> str:
    return (
        f"(p = {difference.p_value:.3g}, {difference.n_seeds} "
        f"seed{'' if difference.n_seeds == 1 else 's'}, {difference.n_images} images)"
    )
