"""Is a concept's TCAV score more than chance? Welch's test and the Benjamini-Hochberg procedure.

Shape legend: M concepts · R random sets.
"""

import numpy as np
import torch
from torch import Tensor


def welch_test(scores: Tensor, controls: Tensor) -> Tensor:
    """Compare the mean of each row with that of its controls, variances not assumed equal.

    ``t = (mean a - mean b) / sqrt(s_a^2/n_a + s_b^2/n_b)``, two-sided, with Welch-Satterthwaite
    degrees of freedom. TCAV scores saturate, so both variances may be 0: equal means then give 1,
    different means 0.

    Args:
        scores: Scores (M, R), R at least 2.
        controls: Scores of the controls (M, R').

    Returns:
        p-values (M,), float32, [0, 1].
    """
    from scipy import stats

    a, b = scores.double().cpu().numpy(), controls.double().cpu().numpy()
    gap = a.mean(1) - b.mean(1)
    part_a, part_b = a.var(1, ddof=1) / a.shape[1], b.var(1, ddof=1) / b.shape[1]
    total = part_a + part_b
    is_constant = total < 1e-20
    total = np.where(is_constant, 1.0, total)
    shrunk = part_a**2 / (a.shape[1] - 1) + part_b**2 / (b.shape[1] - 1)
    freedom = total**2 / np.where(is_constant, 1.0, shrunk)
    p_value = 2 * stats.t.sf(np.abs(gap) / np.sqrt(total), freedom)
    p_value = np.where(is_constant, np.where(np.abs(gap) < 1e-12, 1.0, 0.0), p_value)
    return torch.from_numpy(p_value).float()


def benjamini_hochberg(p_values: Tensor, level: float) -> Tensor:
    """Mark the hypotheses rejected at a false discovery rate.

    The largest k with ``p_(k) <= k/M * level`` and everything below it (Benjamini & Hochberg 1995).

    Args:
        p_values: p-values (M,), [0, 1].
        level: False discovery rate, [0, 1].

    Returns:
        Rejected hypotheses (M,), bool.
    """
    ordered, order = p_values.sort()
    rank = torch.arange(1, len(ordered) + 1, device=p_values.device)
    below = (ordered <= rank / len(ordered) * level).nonzero().flatten()
    rejected = torch.zeros_like(p_values, dtype=torch.bool)
    if len(below):
        rejected[order[: int(below[-1]) + 1]] = True
    return rejected


def mean_interval(scores: Tensor, confidence: float) -> tuple[Tensor, Tensor]:
    """Return the Student interval (low (M,), high (M,)) of each row's mean."""
    from scipy import stats

    n = scores.shape[1]
    half = stats.t.ppf(0.5 + confidence / 2, n - 1) * scores.std(1) / n**0.5
    return scores.mean(1) - half, scores.mean(1) + half
