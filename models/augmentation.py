"""Random changes of training images; masks follow the geometry.

B batch · H,W pixels. All draws come from a generator on the CPU, so that a batch is changed in the
same way on every device; flip, crop and rotation are one resampling.
"""

import math

import torch
from torch import Tensor

from models.params import AugmentParams


def flip_flags(n_images: int, probability: float, generator: torch.Generator) -> Tensor:
    """Draw which images are mirrored: (B,), bool."""
    return torch.rand(n_images, generator=generator) < probability


def flip_images(images: Tensor, flags: Tensor) -> Tensor:
    """Mirror the flagged images (B, ..., W) left to right."""
    flags = flags.to(images.device).view(-1, *[1] * (images.ndim - 1))
    return torch.where(flags, images.flip(-1), images)


def is_flip_only(params: AugmentParams) -> bool:
    """Tell whether an image has only two versions, itself and its mirror image."""
    return params.crop_scale == 1 and params.rotate == 0 and params.colour == 0


def augment_images(
    images: Tensor, params: AugmentParams, generator: torch.Generator, masks: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """Crop, rotate and recolour a batch at random; mirroring is ``flip_images``.

    Each image is rotated by up to ``rotate`` degrees and cropped to a share of its area between
    ``crop_scale`` and 1 with an aspect between 3:4 and 4:3, in one bilinear resampling (masks:
    nearest); what lies outside is reflected. Brightness, contrast and saturation are multiplied by
    factors in [1 - colour, 1 + colour].

    Args:
        images: RGB (B, 3, H, W), float32 in [0, 1].
        params: Strengths; ``flip`` is not looked at.
        generator: Source of all draws, on the CPU.
        masks: Masks (B, H, W) that follow the geometry, or None.

    Returns:
        Changed images in [0, 1] and masks of the same shapes and types.
    """
    from kornia.geometry.transform import warp_affine

    if params.crop_scale < 1 or params.rotate > 0:
        size = (images.shape[2], images.shape[3])
        matrices = _matrices(len(images), size, params, generator).to(images.device)
        images = warp_affine(
            images, matrices, size, mode="bilinear", padding_mode="reflection", align_corners=True
        )
        if masks is not None:
            warped = warp_affine(
                masks[:, None].float(),
                matrices,
                size,
                mode="nearest",
                padding_mode="reflection",
                align_corners=True,
            )
            masks = warped[:, 0].to(masks.dtype)
    if params.colour > 0:
        images = _recolour(images, params.colour, generator)
    return images, masks


def augment_with_maps(
    images: Tensor,
    maps: Tensor,
    flags: Tensor,
    params: AugmentParams,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Mirror, crop, rotate and recolour images, and move maps of their pixels alike.

    Images get the same bits as without maps: these draw nothing. Maps are resampled to the nearest,
    so that no new values appear; what an image reflects at its border has its values.

    Args:
        images: RGB (B, 3, H, W), float32 in [0, 1].
        maps: A value per pixel (B, H, W), of any type.
        flags: Which images are mirrored (B,), bool; see ``flip_flags``.
        params: Strengths; ``flip`` is not looked at.
        generator: Source of all draws, on the CPU.

    Returns:
        Changed images and maps, of the same shapes and types.

    Raises:
        ValueError: If the maps do not match the images' size.
    """
    if maps.shape != (len(images), *images.shape[2:]):
        raise ValueError(
            f"expected maps {(len(images), *images.shape[2:])} (got {tuple(maps.shape)})"
        )
    changed, moved = augment_images(
        flip_images(images, flags), params, generator, masks=flip_images(maps, flags)
    )
    return changed, maps if moved is None else moved


def _matrices(
    n_images: int, size: tuple[int, int], params: AugmentParams, generator: torch.Generator
) -> Tensor:
    """Draw affine maps (B, 2, 3) from source to target pixels (x, y): rotate, stretch the crop."""
    height, width = size
    draws = torch.rand(5, n_images, generator=generator)
    angle = (2 * draws[0] - 1) * math.radians(params.rotate)
    area = params.crop_scale + (1 - params.crop_scale) * draws[1]
    # A crop of the whole image has no room for another aspect.
    log_aspect = (2 * draws[2] - 1) * math.log(4 / 3) * (params.crop_scale < 1)
    crop_w = (area.sqrt() * (log_aspect / 2).exp()).clamp(max=1)
    crop_h = (area.sqrt() * (-log_aspect / 2).exp()).clamp(max=1)
    # Offset of the crop's centre from the image's, pixels.
    shift_x = (draws[3] - 0.5) * (1 - crop_w) * (width - 1)
    shift_y = (draws[4] - 0.5) * (1 - crop_h) * (height - 1)
    cos, sin = angle.cos(), angle.sin()
    linear = torch.stack([cos / crop_w, sin / crop_w, -sin / crop_h, cos / crop_h], dim=1)
    linear = linear.view(-1, 2, 2)
    centre = torch.tensor([(width - 1) / 2, (height - 1) / 2])
    moved = centre + torch.stack([shift_x, shift_y], dim=1)  # crop centre in the source
    offset = centre - (linear @ moved[:, :, None])[:, :, 0]
    return torch.cat([linear, offset[:, :, None]], dim=2)


def _recolour(images: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    # Blending with grey; kornia's other saturation goes through HSV at three times the cost.
    from kornia.enhance import (
        adjust_contrast_with_mean_subtraction,
        adjust_saturation_with_gray_subtraction,
    )

    factors = 1 + strength * (2 * torch.rand(3, len(images), generator=generator) - 1)
    brightness, contrast, saturation = factors.to(images.device)
    images = (images * brightness[:, None, None, None]).clamp(0, 1)
    images = adjust_contrast_with_mean_subtraction(images, contrast)
    recoloured: Tensor = adjust_saturation_with_gray_subtraction(images, saturation)
    return recoloured
