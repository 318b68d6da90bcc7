"""The control of marked squares: as many squares, chosen by chance."""

import torch
from torch import Tensor


def random_weights(weights: Tensor, generator: torch.Generator) -> Tensor:
    """Move an image's marks to cells drawn at random.

    Args:
        weights: Weights of its cells (G, G); 0 for a cell left alone.
        generator: Source of the draw.

    Returns:
        Weights (G, G) with the same values at other places.
    """
    order = torch.randperm(weights.numel(), generator=generator)
    return weights.flatten()[order].view_as(weights)
