"""Kept exemplars as the tensors of a bundle's file, and back without trusting them.

Shape legend: B images · n exemplars of one concept · S side of a kept image, pixels.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from models.concept_graph.exemplars import MOST_PER_CONCEPT, Exemplars, owners

IMAGES = "images"
IMAGE_OF = "image_of/"
"""With a concept's name after it: images of its exemplars (n,), int64."""
MASKS_OF = "masks_of/"
"""With a concept's name after it: masks (n, ceil(S * S / 8)), uint8, a bit per pixel."""
MOST_SIDE = 256
"""Largest side that is read back, pixels."""


def pack_exemplars(exemplars: Exemplars) -> dict[str, Tensor]:
    """Return named tensors for safetensors; every image is stored once.

    Args:
        exemplars: Exemplars of any concepts.
    """
    tensors = {IMAGES: exemplars.images}
    for place, name in enumerate(exemplars.concept_ids):
        own = exemplars.owner == place
        packed = np.packbits(exemplars.masks[own].flatten(1).numpy(), axis=1)
        tensors[IMAGE_OF + name] = exemplars.image_of[own]
        tensors[MASKS_OF + name] = torch.from_numpy(packed)
    return tensors


def unpack_exemplars(tensors: Mapping[str, Tensor]) -> Exemplars:
    """Rebuild exemplars from what ``pack_exemplars`` returned, trusting nothing.

    Args:
        tensors: As read back. A file without images is of the earlier format, which held segments
            without their surroundings: there is nothing to compare with.

    Returns:
        The exemplars, concepts by name; none of the earlier format.

    Raises:
        ValueError: If a tensor is missing, unknown, or not what ``pack_exemplars`` could return.
    """
    if IMAGES not in tensors:
        return _joined(torch.empty(0, 3, 1, 1, dtype=torch.uint8), (), [], [])
    images = _checked_images(tensors[IMAGES])
    names = sorted(name[len(IMAGE_OF) :] for name in tensors if name.startswith(IMAGE_OF))
    expected = {IMAGES} | {kind + name for kind in (IMAGE_OF, MASKS_OF) for name in names}
    if set(tensors) != expected:
        strange = sorted(set(tensors) ^ expected)[0]
        raise ValueError(
            f"expected images, and {IMAGE_OF!r} and {MASKS_OF!r} of each concept "
            f"(got a difference at {strange!r})"
        )
    places = [_checked_places(tensors[IMAGE_OF + name], len(images)) for name in names]
    masks = [
        _checked_masks(tensors[MASKS_OF + name], len(own), images.shape[2])
        for name, own in zip(names, places, strict=True)
    ]
    return _joined(images, tuple(names), places, masks)


def _joined(
    images: Tensor, names: tuple[str, ...], places: list[Tensor], masks: list[Tensor]
) -> Exemplars:
    side = images.shape[2]
    return Exemplars(
        images=images,
        concept_ids=names,
        owner=owners(places),
        image_of=torch.cat([torch.empty(0, dtype=torch.int64), *places]),
        masks=torch.cat([torch.empty(0, side, side, dtype=torch.bool), *masks]),
    )


def _checked_images(images: Tensor) -> Tensor:
    side = images.shape[-1] if images.ndim else 0
    square = (len(images), 3, side, side) if images.ndim else ()
    if images.dtype != torch.uint8 or images.shape != square or not 1 <= side <= MOST_SIDE:
        raise ValueError(
            f"expected uint8 images (B, 3, S, S) of at most {MOST_SIDE} pixels "
            f"(got {images.dtype} {tuple(images.shape)})"
        )
    return images


def _checked_places(places: Tensor, n_images: int) -> Tensor:
    if places.dtype != torch.int64 or places.ndim != 1 or not 1 <= len(places) <= MOST_PER_CONCEPT:
        raise ValueError(
            f"expected the images of one to {MOST_PER_CONCEPT} exemplars as int64 "
            f"(got {places.dtype} {tuple(places.shape)})"
        )
    if int(places.min()) < 0 or int(places.max()) >= n_images:
        raise ValueError(f"expected images 0 to {n_images - 1} (got {places.tolist()})")
    return places


def _checked_masks(packed: Tensor, n: int, side: int) -> Tensor:
    n_bytes = -(-side * side // 8)
    if packed.dtype != torch.uint8 or packed.shape != (n, n_bytes):
        raise ValueError(
            f"expected masks as uint8 {(n, n_bytes)}, a bit per pixel "
            f"(got {packed.dtype} {tuple(packed.shape)})"
        )
    bits = np.unpackbits(packed.numpy(), axis=1, count=side * side)
    masks = torch.from_numpy(bits).bool().reshape(n, side, side)
    if not bool(masks.flatten(1).any(dim=1).all()):
        raise ValueError("expected masks with at least one pixel (got an empty one)")
    return masks
