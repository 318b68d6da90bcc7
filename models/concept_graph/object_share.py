"""How much of a concept's examples lies on the object, by the dataset's foreground masks.

Shape legend: X examples · H,W pixels.
"""

import torch
from torch import Tensor

from models.imageset import BACKGROUND, BORDER, OBJECT, object_weight


def exemplar_object_share(segment_masks: Tensor, foreground: Tensor) -> float | None:
    """Average over examples the share of a segment's pixels that lie on the object.

    Args:
        segment_masks: Example segments (X, H, W), bool.
        foreground: Foreground masks of their images (X, H, W), uint8: ``OBJECT``, ``BACKGROUND``,
            ``BORDER`` (counts half), or all 0 for an image without a mask, which is left out.

    Returns:
        Share in [0, 1], each example counting the same; None when no example has a mask.

    Raises:
        ValueError: If the shapes differ.
    """
    if segment_masks.shape != foreground.shape or segment_masks.ndim != 3:
        raise ValueError(
            f"expected segments and masks (X, H, W) of one shape "
            f"(got {tuple(segment_masks.shape)} and {tuple(foreground.shape)})"
        )
    known = (foreground == OBJECT) | (foreground == BACKGROUND) | (foreground == BORDER)
    weight = object_weight(foreground)
    area = (segment_masks & known).sum((1, 2))  # (X,)
    on_object = torch.where(segment_masks, weight, 0.0).sum((1, 2))  # (X,)
    has_mask = area > 0
    if not bool(has_mask.any()):
        return None
    return float((on_object[has_mask] / area[has_mask]).mean())
