"""Lambda: how much the input-gradient penalty counts beside the cross-entropy."""

import logging
import math
from statistics import median

from torch import Tensor

from models.saliency_grid.params import PenaltyParams

_logger = logging.getLogger(__name__)

BALANCED_ON = 8
"""Reviewed batches that an automatic lambda rests on, if an epoch has as many."""


class Strength:
    """Lambda, set or found; an automatic one is a median over the first batches with marks.

    ``lambda = rate * median_b(CE_b / mean_i |R_bi|)``: the normalisation of the XIL typology's code
    on some batches instead of a pass over the set. There the penalty counts ``rate`` times as much
    as the cross-entropy; until they were seen it does not act. A single batch, often of a single
    marked image, is off by up to a hundred times. Magnitudes are compared, because linear penalties
    have signs and cancel out. A batch on which nothing is owed, or something is not finite, tells
    nothing and does not count.

    On a network that knows nothing yet gradients are tiny and lambda huge, which stalls training;
    on one that fits its images already it is next to nothing, while its gradients are large. So ask
    early but not at once, or set it. The form ``difference`` is in units of logits whatever the
    images, and counts as it is, ``rate`` times.

    Args:
        params: ``form``, ``strength`` and ``rate``.
        value: Lambda that was found before; one that is set takes its place.

    Attributes:
        value: Lambda, finite, at least 0; None until it is found.
    """

    def __init__(self, params: PenaltyParams, value: float | None = None) -> None:
        self.value = value
        if params.strength != "auto":
            self.value = params.strength
        elif not params.is_balanced:
            self.value = params.rate
        self._rate = params.rate
        self._ratios: list[float] = []

    def observe(self, cross_entropy: Tensor, penalties: Tensor) -> None:
        """Learn from a batch while lambda is not found.

        Args:
            cross_entropy: Mean cross-entropy of the batch, scalar.
            penalties: Penalties of its reviewed images (R,); none tell nothing.
        """
        if self.value is not None or penalties.numel() == 0:
            return
        loss = float(cross_entropy.detach())
        owed = float(penalties.detach().double().abs().mean())
        ratio = loss / owed if 0 < owed < math.inf else math.nan
        if not math.isfinite(ratio) or ratio < 0:
            _logger.warning(
                "a batch tells nothing about lambda: expected a finite cross-entropy and a finite "
                "penalty above 0 (got %g and %g)",
                loss, owed,
            )  # fmt: skip
            return
        self._ratios.append(ratio)
        if len(self._ratios) >= BALANCED_ON:
            self.settle()

    def settle(self) -> None:
        """Make do with the batches so far, at the end of an epoch; without any, go on looking."""
        if self.value is not None or not self._ratios:
            return
        self.value = self._rate * median(self._ratios)
        _logger.info(
            "lambda %g: the median over %d batches with marks (%g to %g)",
            self.value, len(self._ratios),
            self._rate * min(self._ratios), self._rate * max(self._ratios),
        )  # fmt: skip


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
