"""Whether a candidate may take the champion's place: no worse on the test images of now.

Docs: docs/decisions/0010-promotion-rule.md.
"""

from models.criterion import Criterion, stays_within, too_few
from models.paired import PairedDifference
from models.params import PromotionParams


def decide_challenge(
    difference: PairedDifference, champion: str, shared: int, known: int, params: PromotionParams
) -> Criterion:
    """Ask that a loss to the champion larger than ``champion_band`` is excluded.

    The rule of a channel compares a correction with what it corrected, both of one run. This is
    about another run's network: other data, other seeds, other corrections.

    Args:
        difference: Candidate minus champion, mean over the classes that both know.
        champion: What people call it, e.g. ``version 3``.
        shared: Number of these classes.
        known: Classes that the champion knows; those that are no longer asked about do not count.
        params: Band, and how few test images refuse.

    Returns:
        The condition.
    """
    band = f"{100 * params.champion_band:g} points"
    basis = f"the {shared} classes that both know"
    if known > shared:
        basis += f" (the champion knows {known})"
    few = too_few(difference, params.min_images, f"the champion, {champion}, and the candidate")
    return few or stays_within(
        difference,
        params.champion_band,
        steady=f"on {basis} the candidate stays within {band} of the champion, {champion}",
        lost=f"on {basis} the candidate may lose more than {band} to the champion, {champion}",
    )
