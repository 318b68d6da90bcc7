"""What marked pixels decide, found by putting something else there instead of by a gradient.

R reviewed images · C channels · H,W pixels · N classes.
"""

import torch
from torch import Tensor

PATCHES = 8
"""Patches of one colour along each side of what marked pixels are replaced by."""


def recolour_marked(
    images: Tensor, weights: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Replace marked pixels by patches of random colours: ``x~ = (1 - W+) x + W+ c``.

    Args:
        images: x (R, C, H, W), in [0, 1].
        weights: W (R, H, W) in [-1, 1]; only what is above 0 is replaced.
        generator: What the colours c are drawn from, on the CPU; None is torch's own.

    Returns:
        x~ (R, C, H, W).
    """
    shape = (*images.shape[:2], PATCHES, PATCHES)
    colours = torch.rand(shape, generator=generator).to(images)
    rows, columns = (
        torch.arange(length, device=images.device) * PATCHES // length
        for length in images.shape[2:]
    )
    colours = colours[:, :, rows][:, :, :, columns]
    return torch.lerp(images, colours, weights.to(images).clamp_min(0)[:, None])


def difference_penalty(logits: Tensor, recoloured: Tensor) -> Tensor:
    """Penalise each image for how far its logits move when marked pixels are replaced.

    ::

        1/N sum_k (u_k(x) - u_k(x~))^2,   u_k = z_k - 1/N sum_j z_j

    The difference is the integral of the input gradient from x~ to x, so this asks of the whole way
    what the squared form asks of its end: a gradient that vanishes at the image itself, and nowhere
    else, is no way out. It has no second derivative.

    Args:
        logits: z of the images (R, N).
        recoloured: z of the same images with other marked pixels (R, N).

    Returns:
        Penalties (R,), at least 0; 0 for an image without marks.
    """
    moved = logits - recoloured
    return (moved - moved.mean(dim=1, keepdim=True)).square().mean(dim=1)
