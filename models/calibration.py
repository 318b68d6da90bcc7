"""Whether a classifier's confidence means what it says.

Shape legend: B images · N classes.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def expected_calibration_error(probs: Tensor, labels: Tensor, n_bins: int = 15) -> float:
    """Average the gap between confidence and accuracy over bins of confidence.

    Implements ``ECE = sum_m |B_m| / B * | acc(B_m) - conf(B_m) |`` (Guo et al. 2017,
    arXiv:1706.04599, Eq. 3) with M bins of equal width on (0, 1]; confidence is the largest
    probability. Equal width, not equal mass, because ties in confidence then fall in one bin
    whatever the order of the images.

    Args:
        probs: Probabilities (B, N), rows sum to 1.
        labels: True class indices (B,).
        n_bins: M.

    Returns:
        Error in [0, 1]; 0 for a perfectly calibrated classifier.

    Raises:
        ValueError: If there is no image or no bin.
    """
    if not len(probs) or n_bins < 1:
        raise ValueError(f"expected images and bins (got {len(probs)} images, {n_bins} bins)")
    confidence, predicted = probs.double().max(dim=1)
    correct = (predicted == labels).double()
    # Bin m is ((m - 1) / M, m / M].
    bins = (torch.ceil(confidence * n_bins).long() - 1).clamp(0, n_bins - 1)
    gap = torch.zeros(n_bins, dtype=torch.float64, device=probs.device)
    # |B_m| (acc - conf) is the sum of (correct - confidence) over the bin, so no bin is ever
    # divided by its size.
    gap = gap.index_add(0, bins, correct - confidence)
    return float(gap.abs().sum() / len(probs))


def brier_score(probs: Tensor, labels: Tensor) -> float:
    """Average the squared distance between probabilities and the true class.

    Implements ``1/B sum_b sum_c (p_bc - [c = y_b])^2`` (Brier 1950), the form summed over classes.

    Args:
        probs: Probabilities (B, N), rows sum to 1.
        labels: True class indices (B,).

    Returns:
        Score in [0, 2]; 0 when every image is certain and right.
    """
    target = F.one_hot(labels, probs.shape[1]).double()
    return float((probs.double() - target).square().sum(dim=1).mean())
