"""Cross-entropy over labelled images, as a loss that ``training.fit`` takes.

B batch · N classes.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from models.imageset import UNLABELLED
from models.params import TrainingParams

Loss = Callable[[Tensor, Tensor], dict[str, Tensor]]
"""(logits (B, N), positions of the images in the data (B,)) -> named terms; ``loss`` is
minimised."""


def classification_loss(labels: Tensor, n_classes: int, params: TrainingParams) -> Loss:
    """Make the balanced, label-smoothed cross-entropy of a labelled set.

    ``L = 1/B sum_b w[y_b] (-sum_c t_bc log q_bc)`` with ``t = (1 - s) onehot(y) + s / N`` and, when
    balanced, ``w_c = B_all / (N_present n_c)``, whose mean over the set is 1.

    Args:
        labels: Class indices of all images (B_all,), int64.
        n_classes: N.
        params: ``label_smoothing`` s and ``balance``.

    Returns:
        A function of logits and positions that gives ``loss`` and ``train_accuracy``.

    Raises:
        ValueError: If an image is unlabelled or its label is out of range.
    """
    if len(labels) == 0 or int(labels.min()) <= UNLABELLED or int(labels.max()) >= n_classes:
        raise ValueError(f"expected labels from 0 to {n_classes - 1} for every image")
    weights = torch.ones(n_classes)
    if params.balance:
        counts = torch.bincount(labels.cpu(), minlength=n_classes).float()
        n_present = int((counts > 0).sum())
        weights = torch.where(counts > 0, len(labels) / (n_present * counts.clamp_min(1)), 0)

    def loss(logits: Tensor, index: Tensor) -> dict[str, Tensor]:
        targets = labels[index.to(labels.device)].to(logits.device)
        terms = functional.cross_entropy(
            logits.float(), targets, reduction="none", label_smoothing=params.label_smoothing
        )
        weighted = terms * weights.to(logits.device)[targets]
        accuracy = (logits.detach().argmax(1) == targets).float().mean()
        return {"loss": weighted.mean(), "train_accuracy": accuracy}

    return loss
