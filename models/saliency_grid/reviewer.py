"""The simulated reviewer: marks shown cells by the dataset's foreground masks.

B images · G cells per side · k shown cells. Good for demonstrations and tests, never for promoting
something that people will use.
"""

import torch
from torch import Tensor

from models.saliency_grid.params import ReviewerParams


def simulated_weights(
    shown: Tensor, object_share: Tensor, params: ReviewerParams, *, allow_important: bool = False
) -> Tensor:
    """Mark the shown cells that lie outside the object, and those on it where that is asked for.

    Args:
        shown: Row and column of the shown cells (B, k, 2), int64.
        object_share: How much of each cell is object (B, G, G), in [0, 1]; NaN for an image without
            a mask, on which nothing is marked.
        params: From which share on a cell is marked.
        allow_important: Mark also what should matter, with -1.

    Returns:
        Weights of the shown cells (B, k), float32: 1 irrelevant, -1 important, 0 left alone.
    """
    image = torch.arange(len(shown), device=shown.device)[:, None]
    share = object_share[image, shown[..., 0], shown[..., 1]]  # (B, k)
    weights = (1 - share >= params.outside_share).float()
    if allow_important:
        weights -= (share >= params.important_share).float()
    return weights
