"""Whether a corrected network may become champion (docs/decisions/0010-promotion-rule.md)."""

import math
from dataclasses import dataclass

from models.paired import PairedDifference
from models.params import PromotionParams


@dataclass(frozen=True)
class PromotionDecision:
    """The verdict with everything it rests on. A refusal is a result, not an error.

    Attributes:
        promote: Whether every condition holds.
        reasons: One plain sentence per condition, in the order in which they were tested.
        edited: Corrected minus original on the edited classes.
        others: Corrected minus original on the other classes; None when all classes were edited.
        above_unmodified: Edited minus unmodified graphs on the edited classes; None when that arm
            was not trained.
    """

    promote: bool
    reasons: tuple[str, ...]
    edited: PairedDifference
    others: PairedDifference | None
    above_unmodified: PairedDifference | None


def decide_promotion(
    edited: PairedDifference,
    others: PairedDifference | None,
    above_unmodified: PairedDifference | None,
    params: PromotionParams,
) -> PromotionDecision:
    """Promote only what is better where it was corrected and no worse elsewhere, both beyond doubt.

    All conditions must hold (an intersection-union test, so each keeps its own level without a
    correction for their number):

    1. edited classes: the lower bound of corrected minus original is above 0;
    2. other classes: the lower bound of corrected minus original is not below ``-guard_band``;
    3. if ``need_above_unmodified``: on the edited classes, the lower bound of edited minus
       unmodified graphs is above 0.

    Fewer than ``min_images`` test images of the edited classes refuse whatever the bounds.

    Args:
        edited: Corrected minus original, mean over the edited classes.
        others: The same over the other classes; None when there are none, which passes.
        above_unmodified: Edited minus unmodified graphs, over the edited classes; None when that
            arm was not trained, which fails if ``need_above_unmodified``.
        params: Guard band and whether the third condition is asked for.

    Returns:
        The decision. A bound that is not a finite number refuses.
    """
    outcomes = [_better(edited, "on the edited classes the corrected network", "the original")]
    if edited.n_images < params.min_images:
        outcomes.append(
            (
                False,
                f"Refused: the edited classes need {params.min_images} test images to judge by "
                f"(got {edited.n_images}); add some or lower min_images.",
            )
        )
    if others is None:
        outcomes.append((True, "There are no other classes to guard."))
    else:
        outcomes.append(_guarded(others, params.guard_band))
    if params.need_above_unmodified:
        if above_unmodified is None:
            outcomes.append(
                (
                    False,
                    "Refused: no students of the unmodified graphs were trained to compare with.",
                )
            )
        else:
            outcomes.append(
                _better(
                    above_unmodified,
                    "on the edited classes distillation with the edited graphs",
                    "the same with the unmodified graphs",
                )
            )
    return PromotionDecision(
        promote=all(passed for passed, _ in outcomes),
        reasons=tuple(reason for _, reason in outcomes),
        edited=edited,
        others=others,
        above_unmodified=above_unmodified,
    )


def _better(difference: PairedDifference, subject: str, reference: str) -> tuple[bool, str]:
    if not _is_finite(difference):
        return False, f"Refused: {subject} could not be compared with {reference} ({_no_number})."
    if difference.low > 0:
        return True, f"Passed: {subject} is better than {reference}, {_interval(difference)}."
    return False, (
        f"Refused: {subject} is not shown to be better than {reference}, "
        f"{_interval(difference)} reaches 0 or below."
    )


def _guarded(difference: PairedDifference, guard_band: float) -> tuple[bool, str]:
    band = f"the guard band of {100 * guard_band:g} points"
    if not _is_finite(difference):
        return False, f"Refused: the other classes could not be compared ({_no_number})."
    if difference.low >= -guard_band:
        return True, f"Passed: the other classes stay within {band}, {_interval(difference)}."
    return False, (
        f"Refused: the other classes may lose more than {band}, {_interval(difference)}."
    )


_no_number = "a difference or its bounds are not finite numbers"


def _is_finite(difference: PairedDifference) -> bool:
    return all(map(math.isfinite, (difference.mean, difference.low, difference.high)))


def _interval(difference: PairedDifference) -> str:
    """Write a difference in points of accuracy: ``+4.2 points, 95 % interval +1.0 to +7.4``."""
    return (
        f"{100 * difference.mean:+.1f} points, {100 * difference.confidence:g} % interval "
        f"{100 * difference.low:+.1f} to {100 * difference.high:+.1f} "
        f"(p = {difference.p_value:.3g}, {difference.n_seeds} seeds, {difference.n_images} images)"
    )
