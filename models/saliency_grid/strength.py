"""Lambda: how much the input-gradient penalty counts beside the cross-entropy."""

import logging
import math

from torch import Tensor

from models.saliency_grid.params import PenaltyParams

_logger = logging.getLogger(__name__)


def penalty_strength(params: PenaltyParams, cross_entropy: Tensor, penalties: Tensor) -> float:
    """Return lambda; an automatic one from the first reviewed batch.

    ``lambda = rate * CE / |mean penalty|``, the normalisation of the XIL typology's code, on one
    batch instead of a pass over the set: there the penalty counts ``rate`` times as much as the
    cross-entropy. On a network that fits its images already that is next to nothing, while its
    gradients are large; ask early, or raise ``rate``. The form ``difference`` is in units of logits
    whatever the images, and counts as it is: 1.

    Args:
        params: ``strength`` and ``rate``.
        cross_entropy: Mean cross-entropy of the batch, scalar.
        penalties: Penalties of its reviewed images (R,), at least one.

    Returns:
        Lambda, finite, at least 0; ``rate`` when the network owes nothing on this batch, or either
        number is not finite.

    Raises:
        ValueError: If there is no reviewed image.
    """
    if params.strength != "auto":
        return params.strength
    if params.form == "difference":
        return 1.0
    if penalties.numel() == 0:
        raise ValueError("expected a batch with a reviewed image (got none)")
    loss = float(cross_entropy.detach())
    owed = abs(float(penalties.detach().double().mean()))
    strength = params.rate * loss / owed if owed > 0 else math.nan
    if not math.isfinite(strength) or strength < 0:
        _logger.warning(
            "lambda %g: expected a finite cross-entropy and penalty above 0 (got %g and %g)",
            params.rate, loss, owed,
        )  # fmt: skip
        return params.rate
    _logger.info("lambda %g: cross-entropy %g over a mean penalty of %g", strength, loss, owed)
    return strength


def penalty_term(penalties: Tensor, strength: float, limit: float | None = None) -> Tensor:
    """Return what joins the loss: lambda times the mean over the reviewed images of the batch.

    The mean is over reviewed images, not over the batch, so that few of them are not drowned by the
    others. Above the limit the term is scaled down to it, ``R * limit / stop_gradient(R)``:
    clipping would remove its gradient exactly where it is worst.

    Args:
        penalties: Penalties (R,); none gives 0.
        strength: Lambda.
        limit: Largest value of the term; None never scales.

    Returns:
        Scalar.
    """
    if penalties.numel() == 0:
        return penalties.new_zeros(())
    term = strength * penalties.mean()
    if limit is None:
        return term
    return term * (limit / term.detach().clamp_min(limit))
