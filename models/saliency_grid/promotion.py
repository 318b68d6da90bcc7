"""Whether a network that learned from marks may become champion.

Where marks help, the loss falls; accuracy may not move (Serrano e Silva et al. 2023, Table 1). So
the loss decides, and accuracy is guarded.
"""

from dataclasses import dataclass

from models.criterion import Criterion, has_bounds, in_nats, stays_within, too_few
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
    outcomes.append(
        stays_within(
            accuracy,
            params.guard_band,
            steady=f"accuracy stays within {band}",
            lost=f"accuracy may fall by more than {band}",
        )
    )
    if (few := too_few(loss, params.min_images, "all classes together")) is not None:
        outcomes.append(few)
    return Verdict(all(one.passed for one in outcomes), tuple(one.text for one in outcomes))


def _less(difference: PairedDifference, reference: str) -> Criterion:
    if not has_bounds(difference):
        told = f"the loss could not be compared with that of {reference}"
        return Criterion(False, f"Refused: {told}: a difference or its bounds are not finite.")
    if difference.high < 0:
        told = f"the loss is lower than that of {reference}, {in_nats(difference)}"
        return Criterion(True, f"Passed: {told}.")
    told = f"the loss is not shown to be lower than that of {reference}, {in_nats(difference)}"
    return Criterion(False, f"Refused: {told}.")
