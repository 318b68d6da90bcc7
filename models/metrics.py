"""What a classifier gets right, and what it mixes up.

Pure functions of logits, probabilities and labels. Shape legend: B images · N classes.
Nothing is decided here; ``models/promotion.py`` does that.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class GroupedAccuracy:
    """Accuracy of the edited classes, of the others and of all, each a mean over classes in [0, 1].

    NaN where a group has no class with test images.
    """

    edited_classes: float
    other_classes: float
    all: float

    def to_dict(self) -> dict[str, float]:
        """Return the three numbers by name."""
        return asdict(self)


def per_class_accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Compute the share of each class's images that are classified correctly.

    Args:
        logits: Logits or probabilities (B, N).
        labels: True class indices (B,).

    Returns:
        Accuracy (N,), float64, in [0, 1]; NaN for a class without images.
    """
    counts = confusion_matrix(logits.argmax(dim=1), labels, logits.shape[1]).double()
    return counts.diagonal() / counts.sum(dim=1)  # 0 / 0 is NaN, as promised


def grouped_accuracy(per_class: Tensor, edited: Sequence[int]) -> GroupedAccuracy:
    """Average accuracies over the edited classes, over the others and over all.

    Args:
        per_class: Accuracy of each class (N,); NaN entries are left out.
        edited: Indices of the edited classes.

    Returns:
        Means over classes, so that a class with many images weighs no more than one with few.

    Raises:
        ValueError: If an index is not a class.
    """
    n_classes = len(per_class)
    if any(not 0 <= c < n_classes for c in edited):
        raise ValueError(f"expected class indices in 0..{n_classes - 1} (got {list(edited)})")
    is_edited = torch.zeros(n_classes, dtype=torch.bool, device=per_class.device)
    is_edited[list(edited)] = True
    return GroupedAccuracy(
        edited_classes=float(per_class[is_edited].nanmean()),
        other_classes=float(per_class[~is_edited].nanmean()),
        all=float(per_class.nanmean()),
    )


def confusion_matrix(predicted: Tensor, labels: Tensor, n_classes: int) -> Tensor:
    """Count how often each true class is taken for each class.

    Args:
        predicted: Predicted class indices (B,).
        labels: True class indices (B,).
        n_classes: N.

    Returns:
        Counts (N, N), int64; row = true class, column = predicted class.

    Raises:
        ValueError: If lengths differ or a label is not a class (an unlabelled image, say).
    """
    if predicted.shape != labels.shape:
        raise ValueError(
            "expected one prediction per label "
            f"(got {tuple(predicted.shape)} and {tuple(labels.shape)})"
        )
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < n_classes:
        raise ValueError(
            f"expected labels in 0..{n_classes - 1} "
            f"(got {int(labels.min())}..{int(labels.max())}); "
            "leave unlabelled images out"
        )
    cells = torch.bincount(labels * n_classes + predicted, minlength=n_classes**2)
    return cells.reshape(n_classes, n_classes)


def soft_confusion(probs: Tensor, labels: Tensor) -> Tensor:
    """Average the probabilities that each true class's images give to every class.

    Args:
        probs: Probabilities (B, N), rows sum to 1.
        labels: True class indices (B,).

    Returns:
        Means (N, N), float64; row = true class, rows sum to 1; a row of NaN for a class without
        images.
    """
    n_classes = probs.shape[1]
    members = F.one_hot(labels, n_classes).double()  # (B, N)
    return (members.T @ probs.double()) / members.sum(dim=0)[:, None]


def pool_confusion(probs: Tensor) -> Tensor:
    """Average how much two classes share each unlabelled image: ``mean_b p_bi p_bj``.

    Args:
        probs: Probabilities (B, N), rows sum to 1.

    Returns:
        Means (N, N), float64, symmetric; row i sums to the mean probability of class i.

    Raises:
        ValueError: If there is no image.
    """
    if not len(probs):
        raise ValueError("expected at least one image in the pool (got 0)")
    return probs.double().T @ probs.double() / len(probs)


def negative_log_likelihood(logits: Tensor, labels: Tensor) -> float:
    """Return the mean of ``-log p_y`` in nats for logits (B, N) and labels (B,)."""
    return float(F.cross_entropy(logits.double(), labels))


def agreement(first_logits: Tensor, second_logits: Tensor) -> float:
    """Return the share of images, in [0, 1], on which two models have the same top class.

    Args:
        first_logits: Logits (B, n) of one model.
        second_logits: Logits (B, n) of the other, over the same classes.

    Raises:
        ValueError: If the shapes differ.
    """
    if first_logits.shape != second_logits.shape:
        raise ValueError(
            "expected logits over the same images and classes "
            f"(got {tuple(first_logits.shape)} and {tuple(second_logits.shape)})"
        )
    return float((first_logits.argmax(dim=1) == second_logits.argmax(dim=1)).double().mean())
