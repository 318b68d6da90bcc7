"""How much a network still looks where reviewers said that it should not.

B images · H,W pixels.
"""

import torch
from torch import Tensor


def marked_share(maps: Tensor, marked: Tensor) -> Tensor:
    """Return the share of an image's attribution that lies on marked pixels.

    Args:
        maps: Absolute attribution (B, H, W).
        marked: Pixels that should not matter (B, H, W), bool, or how much of each in [0, 1].

    Returns:
        Shares (B,), in [0, 1]; NaN for an image without attribution.

    Raises:
        ValueError: If the shapes differ.
    """
    _check(maps, marked)
    return (maps * marked).sum(dim=(1, 2)) / maps.sum(dim=(1, 2))


def wrong_reason(maps: Tensor, marked: Tensor, *, threshold: float | None = None) -> Tensor:
    """Return the share of an image's marked pixels that are lit (WR of the XIL typology).

    Positive attribution is divided by each image's maximum and a pixel is lit when it exceeds the
    threshold; the mean over a set of images is what Friedrich et al. 2022 (arXiv:2203.03668) call
    "wrong reason".

    Args:
        maps: Attribution (B, H, W); what is negative counts as zero.
        marked: Pixels that should not matter (B, H, W), bool.
        threshold: In [0, 1]; None takes the mean of the normalised maps of all these images, which
            therefore have to be the whole set.

    Returns:
        Shares (B,), in [0, 1]; NaN for an image without marked pixels.

    Raises:
        ValueError: If the shapes differ.
    """
    _check(maps, marked)
    if marked.dtype != torch.bool:
        raise ValueError(f"expected boolean marks (got {marked.dtype})")
    positive = maps.clamp_min(0)
    largest = positive.amax(dim=(1, 2), keepdim=True)
    normalised = positive / largest.where(largest > 0, 1)
    lit = normalised > (float(normalised.mean()) if threshold is None else threshold)
    return (lit & marked).sum(dim=(1, 2)) / marked.sum(dim=(1, 2))


def _check(maps: Tensor, marked: Tensor) -> None:
    if maps.shape != marked.shape or maps.ndim != 3:
        raise ValueError(
            "expected maps and marks (B, H, W) of one shape "
            f"(got {tuple(maps.shape)} and {tuple(marked.shape)})"
        )
