"""Which images reviewers are asked about: what the network is unsure of, mistakes first.

B candidates · N classes.
"""

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor

from models.imageset import UNLABELLED
from models.saliency_grid.params import Strategy


@dataclass(frozen=True)
class Sample:
    """Images to ask about, the most urgent first.

    Attributes:
        index: Positions among the candidates (q,), int64, distinct.
        priority: Urgency of each (q,), float32, descending; comparable within one strategy.
    """

    index: Tensor
    priority: Tensor


def predictive_entropy(logits: Tensor) -> Tensor:
    """Measure how undecided a network is: ``H(p) = - sum_c p_c log p_c``.

    Args:
        logits: Logits (B, N).

    Returns:
        Entropy (B,), nats, from 0 (certain) to log N (uniform); NaN where logits are not numbers.
    """
    log_p = torch.log_softmax(logits.float(), dim=1)
    # 0 log 0 = 0: an impossible class adds nothing.
    return -torch.where(log_p.isneginf(), 0.0, log_p.exp() * log_p).sum(dim=1)


def sampling_priorities(
    logits: Tensor, labels: Tensor, strategy: Strategy, *, seed: int = 0
) -> Tensor:
    """Say how urgent each image is.

    ``entropy``: H / log N. ``entropy_of_wrong``: the same, plus 1 for a mistake. ``wrong_first``:
    ``1 - p_y``, plus 1 for a mistake, so that the most confident mistakes come first. ``random``: a
    draw from [0, 1). An image without a label makes no mistake; its y is the predicted class.

    Args:
        logits: Logits of the candidates (B, N).
        labels: Class indices (B,), int64, ``UNLABELLED`` for images of a pool.
        strategy: Order.
        seed: Seed of the random order; an image's draw depends on its position alone.

    Returns:
        Priorities (B,), float32, larger first; NaN where logits are not numbers.

    Raises:
        ValueError: If there is not one label per image.
    """
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise ValueError(
            f"expected logits (B, N) and one label per image "
            f"(got {tuple(logits.shape)} and {tuple(labels.shape)})"
        )
    if strategy == "random":
        return torch.rand(len(logits), generator=torch.Generator().manual_seed(seed))
    labels = labels.to(logits.device)
    predicted = logits.argmax(dim=1)
    is_wrong = ((labels != UNLABELLED) & (predicted != labels)).float()
    if strategy == "wrong_first":
        own = torch.where(labels == UNLABELLED, predicted, labels)
        probability = torch.softmax(logits.float(), dim=1).gather(1, own[:, None])[:, 0]
        return (1 - probability + is_wrong).cpu()
    certain = torch.log(torch.tensor(float(max(2, logits.shape[1]))))
    entropy = predictive_entropy(logits).cpu() / certain
    return entropy + is_wrong.cpu() if strategy == "entropy_of_wrong" else entropy


def sample_images(priorities: Tensor, count: int, *, exclude: Collection[int] = ()) -> Sample:
    """Take the most urgent images, each once; equal ones in the order of their positions.

    Args:
        priorities: Priorities of the candidates (B,).
        count: q; fewer are returned when there are not as many.
        exclude: Positions that must not be taken, such as those of earlier rounds.

    Returns:
        Their positions and priorities; images whose priority is not a number come last, with 0.
    """
    keys = priorities.detach().float().cpu().nan_to_num(nan=-torch.inf)
    order = torch.sort(keys, descending=True, stable=True).indices
    left_out = torch.tensor(sorted(exclude), dtype=torch.int64)
    index = order[~torch.isin(order, left_out)][: max(0, count)]
    return Sample(index, keys[index].nan_to_num(neginf=0.0))
