"""The loss by which a reasoner learns to answer as the classifier does.

Shape legend: B images · n classes that have a graph.
"""

from typing import Literal

from torch import Tensor
from torch.nn import functional

Imitation = Literal["softmax_l1", "l1norm_mse"]

_EPS = 1e-6


def imitation_loss(
    logits: Tensor, teacher_logits: Tensor, form: Imitation = "softmax_l1"
) -> Tensor:
    """Measure how far the reasoner's answer is from the classifier's.

    Implements He et al. 2023 (arXiv:2401.05461), Eq. 2, mended:
    ``L = || sigma(E(G(h))) - sigma(F(I)) ||_1``, with sigma the softmax at T = 1 over those
    classes. ``l1norm_mse`` is what VRX's code computes: sigma divides by the L1 norm, and the
    distance is the mean square.

    Deviates from the paper: averaged over the batch (VRX sums gradients over 128 images).

    Args:
        logits: Reasoner's logits (B, n).
        teacher_logits: Classifier's logits restricted to the same classes (B, n).
        form: Which of the two.

    Returns:
        Scalar, 0 for equal answers; at most 2 for ``softmax_l1``.
    """
    if form == "softmax_l1":
        probs, teacher_probs = logits.softmax(dim=1), teacher_logits.softmax(dim=1)
        return (probs - teacher_probs).abs().sum(dim=1).mean()
    return functional.mse_loss(_l1_normalised(logits), _l1_normalised(teacher_logits))


def _l1_normalised(logits: Tensor) -> Tensor:
    return logits / logits.abs().sum(dim=1, keepdim=True).clamp(min=_EPS)
