"""Whether a corrected network may become champion (docs/decisions/0010-promotion-rule.md)."""

from dataclasses import dataclass

from models.criterion import Criterion, has_bounds, in_points, stays_within, too_few
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
    if (few := too_few(edited, params.min_images, "the edited classes")) is not None:
        outcomes.append(few)
    if others is None:
        outcomes.append(Criterion(True, "There are no other classes to guard."))
    else:
        band = f"the guard band of {100 * params.guard_band:g} points"
        outcomes.append(
            stays_within(
                others,
                params.guard_band,
                steady=f"the other classes stay within {band}",
                lost=f"the other classes may lose more than {band}",
            )
        )
    if params.need_above_unmodified:
        if above_unmodified is None:
            told = "no students of the unmodified graphs were trained to compare with"
            outcomes.append(Criterion(False, f"Refused: {told}."))
        else:
            outcomes.append(
                _better(
                    above_unmodified,
                    "on the edited classes distillation with the edited graphs",
                    "the same with the unmodified graphs",
                )
            )
    return PromotionDecision(
        promote=all(one.passed for one in outcomes),
        reasons=tuple(one.text for one in outcomes),
        edited=edited,
        others=others,
        above_unmodified=above_unmodified,
    )


def _better(difference: PairedDifference, subject: str, reference: str) -> Criterion:
    if not has_bounds(difference):
        told = f"{subject} could not be compared with {reference}"
        return Criterion(False, f"Refused: {told}: a difference or its bounds are not finite.")
    if difference.low > 0:
        told = f"{subject} is better than {reference}, {in_points(difference)}"
        return Criterion(True, f"Passed: {told}.")
    return Criterion(
        False,
        f"Refused: {subject} is not shown to be better than {reference}, "
        f"{in_points(difference)} reaches 0 or below.",
    )
