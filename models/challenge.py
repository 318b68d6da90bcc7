"""Whether a candidate may take the champion's place: no worse on the test images of now.

Docs: docs/decisions/0010-promotion-rule.md.
"""

from models.criterion import Criterion, enough_images, stays_within
from models.paired import PairedDifference
from models.params import PromotionParams


def decide_challenge(
    difference: PairedDifference, champion: str, params: PromotionParams
) -> Criterion:
    """Ask that a loss to the champion larger than ``champion_band`` is excluded.

    The rule of a channel compares a correction with what it corrected, both of one run. This is
    about another run's network: other data, other seeds, other corrections.

    Args:
        difference: Candidate minus champion, mean over the classes that both know.
        champion: What people call it, e.g. ``version 3``.
        params: Band, and how few test images refuse.

    Returns:
        The condition.
    """
    band = f"{100 * params.champion_band:g} points"
    few = enough_images(
        difference, params.min_images, f"candidate and champion ({champion}) need together"
    )
    if few:
        return few[0]
    return stays_within(
        difference,
        params.champion_band,
        steady=f"the candidate stays within {band} of the champion, {champion}",
        lost=f"the candidate may be more than {band} worse than the champion, {champion}",
    )
