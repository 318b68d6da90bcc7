"""Whether a network that learned from marks may become champion.

Where marks help, the loss falls; accuracy may not move (Serrano e Silva et al. 2023, Table 1). So
the loss decides, and accuracy is guarded.
"""

import math
from dataclasses import dataclass

from models.paired import PairedDifference
from models.params import PromotionParams


@dataclass(frozen=True)
class Verdict:
    """Whether every condition holds, with one plain sentence per condition."""

    promote: bool
    reasons: tuple[str, ...]


def decide_promotion(
    loss: PairedDifference,
    above_control: PairedDifference,
    accuracy: PairedDifference,
    params: PromotionParams,
) -> Verdict:
    """Promote what loses less than before and than the control, and is no less accurate.

    All conditions must hold (an intersection-union test):

    1. the upper bound of corrected minus original negative log-likelihood is below 0;
    2. if ``need_above_unmodified``: so is that of corrected minus random squares;
    3. the lower bound of corrected minus original accuracy is not below ``-guard_band``.

    Fewer than ``min_images`` test images refuse whatever the bounds.

    Args:
        loss: Corrected minus original, mean over the classes, nats.
        above_control: Corrected minus as many random squares, nats.
        accuracy: Corrected minus original.
        params: Guard band, and whether the control is asked for.

    Returns:
        The verdict. A bound that is not a finite number refuses.
    """
    outcomes = [_less(loss, "the original")]
    if params.need_above_unmodified:
        outcomes.append(_less(above_control, "the same with random squares"))
    band = f"the guard band of {100 * params.guard_band:g} points"
    interval = (
        f"{100 * accuracy.mean:+.1f} points, {100 * accuracy.confidence:g} % interval "
        f"{100 * accuracy.low:+.1f} to {100 * accuracy.high:+.1f}"
    )
    if accuracy.low >= -params.guard_band:
        outcomes.append((True, f"Passed: accuracy stays within {band}, {interval}."))
    else:
        outcomes.append((False, f"Refused: accuracy may fall by more than {band}, {interval}."))
    if loss.n_images < params.min_images:
        outcomes.append(
            (
                False,
                f"Refused: {params.min_images} test images are needed to judge by (got "
                f"{loss.n_images}); add some or lower min_images.",
            )
        )
    return Verdict(all(passed for passed, _ in outcomes), tuple(text for _, text in outcomes))


def _less(difference: PairedDifference, reference: str) -> tuple[bool, str]:
    bounds = (difference.mean, difference.low, difference.high)
    if not all(map(math.isfinite, bounds)):
        return False, f"Refused: the loss could not be compared with that of {reference}."
    interval = (
        f"{difference.mean:+.3f} nats, {100 * difference.confidence:g} % interval "
        f"{difference.low:+.3f} to {difference.high:+.3f} (p = {difference.p_value:.3g}, "
        f"{difference.n_seeds} seeds, {difference.n_images} images)"
    )
    if difference.high < 0:
        return True, f"Passed: the loss is lower than that of {reference}, {interval}."
    return (
        False,
        f"Refused: the loss is not shown to be lower than that of {reference}, {interval}.",
    )
