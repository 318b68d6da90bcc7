"""The one Kullback-Leibler divergence and the one soft cross-entropy of the project.

``F.kl_div`` takes its arguments in the order that nobody expects, so nobody else calls it. Shape
legend: B batch · N classes.
"""

import torch
from torch import Tensor


def kl_divergence(*, p_logits: Tensor, q_logits: Tensor) -> Tensor:
    """Measure how badly q stands in for p.

    Implements ``KL(p || q) = sum_c p_c (log p_c - log q_c)``; p is the truth (teacher), q the
    stand-in (student).

    Args:
        p_logits: Logits of p (B, N); -inf marks an impossible class.
        q_logits: Logits of q (B, N).

    Returns:
        Divergence per row (B,), nats, >= 0; 0 where both rows are the same distribution.

    Raises:
        ValueError: If the shapes differ.
    """
    _check_same_shape(p_logits, q_logits)
    log_p = torch.log_softmax(p_logits.float(), dim=-1)
    log_q = torch.log_softmax(q_logits.float(), dim=-1)
    # 0 log 0 = 0: an impossible class adds nothing, and must not turn -inf - x into NaN.
    terms = torch.where(log_p.isneginf(), 0.0, log_p.exp() * (log_p - log_q))
    return terms.sum(dim=-1)


def soft_cross_entropy(*, p_probs: Tensor, q_logits: Tensor, temperature: float) -> Tensor:
    """Score softened student logits against a teacher's distribution.

    Implements He et al. 2023 (arXiv:2401.05461), Eq. 6 and 10, with z the student's logits::

        L_soft = - sum_c p_c log q_c        q_c = exp(z_c / T) / sum_k exp(z_k / T)

    It equals ``KL(p || q)`` plus the entropy of p, so both have the same gradients.

    Args:
        p_probs: Teacher's probabilities (B, N), rows sum to 1, already softened.
        q_logits: Student's logits z (B, N).
        temperature: T > 0 of the student; 1 leaves the logits as they are.

    Returns:
        Cross-entropy per row (B,), nats.

    Raises:
        ValueError: If the shapes differ or the temperature is not positive.
    """
    _check_same_shape(p_probs, q_logits)
    if not temperature > 0:
        raise ValueError(f"expected a temperature above 0 (got {temperature})")
    log_q = torch.log_softmax(q_logits.float() / temperature, dim=-1)
    return -(p_probs.float() * log_q).sum(dim=-1)


def _check_same_shape(p: Tensor, q: Tensor) -> None:
    if p.shape != q.shape or p.ndim == 0:
        raise ValueError(
            f"expected p and q of one shape (B, N) (got {tuple(p.shape)} and {tuple(q.shape)})"
        )
