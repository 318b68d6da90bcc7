"""Two teachers for one student: an edited reasoner for few classes, the original network for all.

He et al. 2023 (arXiv:2401.05461), Eq. 5-12. Pure functions of logits: which images are shown, for
how many epochs and by which optimiser is the business of ``models/training.py``. Shape legend: B
batch · I transfer images · N classes · n edited classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from models.divergence import soft_cross_entropy
from models.imageset import UNLABELLED
from models.params import DistillationParams


def combine_teachers(
    *,
    reasoner_logits: Tensor,
    classifier_logits: Tensor,
    class_ids: Sequence[int],
    t1: float,
    t2: float,
    matched: Tensor | None = None,
) -> Tensor:
    """Let the reasoner share out what the classifier gives to the edited classes.

    Implements Eq. 7-9 and 11 with ``S_p`` the edited classes, ``v1`` the reasoner's and ``v2`` the
    classifier's logits::

        p1_c = exp(v1_c / T1) / sum_{k in S_p} exp(v1_k / T1)      c in S_p
        p2_c = exp(v2_c / T2) / sum_{k = 1..N} exp(v2_k / T2)      all c
        P    = sum_{c in S_p} p2_c
        pT_c = p1_c * P if c in S_p else p2_c

    Deviates from the paper: its Eq. 11 as printed sums teacher 1, which is 1 by construction, so
    that pT would sum to more than 1; the text below it ("share of the n classes in the original
    network") asks for teacher 2, as here. And rows without graphs keep p2, though their P at T2 is
    not 0: at T2 = 3 a fifth of the mass of P lies there on the demo, and matching them too changed
    nothing beyond chance (decision 0014).

    Args:
        reasoner_logits: v1 (B, n), columns in the order of ``class_ids``; ignored where not
            ``matched``.
        classifier_logits: v2 (B, N).
        class_ids: S_p, n distinct class indices.
        t1: Temperature of the reasoner, > 0.
        t2: Temperature of the classifier, > 0.
        matched: Booleans (B,), False where no graphs were matched since the classifier is sure of
            another class; such a row keeps p2. None means that all were matched.

    Returns:
        Probabilities pT (B, N), float32, rows sum to 1, detached.

    Raises:
        ValueError: If shapes, class ids or temperatures do not fit together.
    """
    _check_teachers(reasoner_logits, classifier_logits, class_ids)
    ids = torch.tensor(list(class_ids), dtype=torch.int64, device=classifier_logits.device)
    p1 = soften(reasoner_logits.to(classifier_logits.device), t1)  # (B, n)
    p2 = soften(classifier_logits, t2)  # (B, N)
    share = edited_share(classifier_logits, class_ids, t2)  # P (B,)
    combined = p2.index_copy(1, ids, p1 * share[:, None])
    if matched is None:
        return combined
    return torch.where(matched.to(p2.device)[:, None], combined, p2)


def edited_share(classifier_logits: Tensor, class_ids: Sequence[int], t2: float) -> Tensor:
    """Compute P, the probability that the classifier gives to the edited classes together.

    Where it is negligible the reasoner has nothing to share out, and graphs need not be matched.

    Args:
        classifier_logits: v2 (B, N).
        class_ids: S_p, distinct class indices.
        t2: Temperature of the classifier, > 0.

    Returns:
        P (B,), float32, in [0, 1].
    """
    ids = torch.tensor(list(class_ids), dtype=torch.int64, device=classifier_logits.device)
    return soften(classifier_logits, t2)[:, ids].sum(dim=1)


def soften(logits: Tensor, temperature: float) -> Tensor:
    """Turn a teacher's logits into probabilities at a temperature.

    Args:
        logits: Logits (B, N), any floating type.
        temperature: T > 0; the larger, the closer to uniform.

    Returns:
        Probabilities (B, N), float32, rows sum to 1, detached.

    Raises:
        ValueError: If the temperature is not positive.
    """
    if not temperature > 0:
        raise ValueError(f"expected a temperature above 0 (got {temperature})")
    return torch.softmax(logits.detach().float() / temperature, dim=-1)


@dataclass(frozen=True)
class TwoTeacherLoss:
    """Weighted sum of a soft term against fixed teachers and a hard term against labels.

    Implements Eq. 5, 6 and 12: ``L = alpha * Ts^2 * L_soft + beta * L_hard``, each averaged over
    the images of the batch, with ``L_hard = - log q_y(1)`` for labelled images, 0 for the pool's.

    Deviates from the paper: the factor Ts^2 (Hinton et al. 2015) unless ``scale_t2`` is False;
    images without labels; optionally a weight per image.

    Attributes:
        targets: Teachers' probabilities pT (I, N), rows sum to 1, one per transfer image.
        labels: Class indices (I,), ``UNLABELLED`` for images of the pool.
        weights: Weight of each image (I,), 1 on average.
        params: alpha, beta, Ts and whether to scale.
    """

    targets: Tensor
    labels: Tensor
    weights: Tensor
    params: DistillationParams

    def __call__(self, logits: Tensor, index: Tensor) -> dict[str, Tensor]:
        """Score a batch of student logits.

        Args:
            logits: Student's logits z (B, N).
            index: Positions (B,) of the batch's images among the transfer images.

        Returns:
            ``loss``, ``soft`` (with Ts^2 when scaled, without alpha) and ``hard`` (without beta),
            scalars.
        """
        rows = index.to(self.targets.device)
        targets = self.targets[rows].to(logits.device)
        weights = self.weights[rows].to(logits.device)
        temperature = self.params.temperature_student
        soft = soft_cross_entropy(p_probs=targets, q_logits=logits, temperature=temperature)
        soft = (weights * soft).mean()
        if self.params.scale_t2:
            soft = soft * temperature**2
        hard = _hard_term(logits, self.labels[rows].to(logits.device), weights)
        return {
            "loss": self.params.alpha * soft + self.params.beta * hard,
            "soft": soft.detach(),
            "hard": hard.detach(),
        }


@dataclass(frozen=True)
class HardLabelLoss:
    """Cross-entropy with the labels alone: continued training without any teacher.

    Attributes:
        labels: Class indices (I,); images of the pool count nothing.
        weights: Weight of each image (I,), 1 on average.
    """

    labels: Tensor
    weights: Tensor

    def __call__(self, logits: Tensor, index: Tensor) -> dict[str, Tensor]:
        """Score a batch; see ``TwoTeacherLoss``. ``soft`` is always 0."""
        rows = index.to(self.labels.device)
        hard = _hard_term(
            logits, self.labels[rows].to(logits.device), self.weights[rows].to(logits.device)
        )
        return {"loss": hard, "soft": torch.zeros_like(hard).detach(), "hard": hard.detach()}


def two_teacher_loss(
    targets: Tensor, labels: Tensor, params: DistillationParams, *, balance: bool = False
) -> TwoTeacherLoss:
    """Build the loss of two-teacher distillation for ``models.training.fit``.

    Args:
        targets: pT (I, N) of ``combine_teachers``, one row per image of the transfer set.
        labels: Class indices (I,), ``UNLABELLED`` for images of the pool.
        params: Weights and temperatures.
        balance: Weigh labelled images so that every class counts the same.

    Returns:
        A callable ``loss(logits, index)``.

    Raises:
        ValueError: If there is not one label per row, or a row is not a distribution.
    """
    if targets.ndim != 2 or labels.shape != targets.shape[:1]:
        raise ValueError(
            f"expected targets (I, N) and labels (I,) (got {tuple(targets.shape)} and "
            f"{tuple(labels.shape)})"
        )
    if not torch.allclose(targets.sum(dim=1), torch.ones_like(targets[:, 0]), atol=1e-4):
        raise ValueError("expected every row of targets to sum to 1; pass probs, not logits")
    return TwoTeacherLoss(targets, labels, balance_weights(labels, balance=balance), params)


def self_training_loss(
    classifier_logits: Tensor, labels: Tensor, params: DistillationParams, *, balance: bool = False
) -> TwoTeacherLoss:
    """Build the control arm whose only teacher is the original network, at the same temperatures.

    Args:
        classifier_logits: v2 (I, N) of the original network on the transfer images.
        labels: Class indices (I,), ``UNLABELLED`` for images of the pool.
        params: Weights and temperatures.
        balance: Weigh labelled images so that every class counts the same.

    Returns:
        A callable ``loss(logits, index)``.
    """
    targets = soften(classifier_logits, params.temperature_classifier)
    return two_teacher_loss(targets, labels, params, balance=balance)


def hard_label_loss(labels: Tensor, *, balance: bool = False) -> HardLabelLoss:
    """Build the control arm that only goes on training with labels.

    Args:
        labels: Class indices (I,), ``UNLABELLED`` for images of the pool.
        balance: Weigh images so that every class counts the same.

    Returns:
        A callable ``loss(logits, index)``.
    """
    return HardLabelLoss(labels, balance_weights(labels, balance=balance))


def balance_weights(labels: Tensor, *, balance: bool = True) -> Tensor:
    """Weigh labelled images so that every class present counts the same.

    Args:
        labels: Class indices (I,), ``UNLABELLED`` for images of the pool.
        balance: False weighs all images 1.

    Returns:
        Weights (I,), float32: ``n_labelled / (n_present_classes * n_of_the_class)``, 1 on average
        over the labelled images; 1 for images without label.
    """
    weights = torch.ones(len(labels), dtype=torch.float32, device=labels.device)
    labelled = labels != UNLABELLED
    if balance and bool(labelled.any()):
        counts = torch.bincount(labels[labelled])
        per_class = labelled.sum() / ((counts > 0).sum() * counts.clamp(min=1))
        weights[labelled] = per_class[labels[labelled]].float()
    return weights


def _hard_term(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    # Divided by the whole batch, not by its labelled part: each image then has the same say in
    # every batch.
    losses = F.cross_entropy(logits.float(), labels, ignore_index=UNLABELLED, reduction="none")
    return (weights * losses).mean()


def _check_teachers(v1: Tensor, v2: Tensor, class_ids: Sequence[int]) -> None:
    n, n_classes = len(class_ids), v2.shape[-1]
    if v2.ndim != 2 or v1.shape != (len(v2), n):
        raise ValueError(
            f"expected reasoner logits (B, {n}) and classifier logits (B, N) "
            f"(got {tuple(v1.shape)} and {tuple(v2.shape)})"
        )
    if len(set(class_ids)) != n or n == 0 or min(class_ids) < 0 or max(class_ids) >= n_classes:
        raise ValueError(
            f"expected distinct class ids in 0..{n_classes - 1} (got {list(class_ids)})"
        )
