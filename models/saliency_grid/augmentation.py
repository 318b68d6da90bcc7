"""Weights of pixels that follow the images through the training's augmentation.

B batch · H,W pixels.
"""

import torch
from torch import Tensor

from models.augmentation import augment_images, flip_images
from models.params import AugmentParams


def augment_with_weights(
    images: Tensor,
    weights: Tensor,
    flags: Tensor,
    params: AugmentParams,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Mirror, crop, rotate and recolour images as ``training.fit`` does, and move weights alike.

    Images get the same bits as without weights: these draw nothing. Weights are resampled to the
    nearest, so that no new ones appear; what an image reflects at its border has its weights.

    Args:
        images: RGB (B, 3, H, W), float32 in [0, 1].
        weights: W (B, H, W), of any type.
        flags: Which images are mirrored (B,), bool; see ``flip_flags``.
        params: Strengths; ``flip`` is not looked at.
        generator: Source of all draws, on the CPU.

    Returns:
        Changed images and weights, of the same shapes and types.

    Raises:
        ValueError: If the weights do not match the images' size.
    """
    if weights.shape != (len(images), *images.shape[2:]):
        raise ValueError(
            f"expected weights {(len(images), *images.shape[2:])} (got {tuple(weights.shape)})"
        )
    changed, moved = augment_images(
        flip_images(images, flags), params, generator, masks=flip_images(weights, flags)
    )
    return changed, weights if moved is None else moved
