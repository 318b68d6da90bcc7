"""A set of decoded images with what is known about them.

Shape legend used throughout ``models``: B batch · C channels · H,W pixels · N classes · D features
· h,w feature cells · S segments · K concepts per class graph · n edited classes · E edges.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

OBJECT, BACKGROUND, BORDER = 1, 2, 3
"""Values of a foreground mask; 0 means that the image has no mask."""

BORDER_WEIGHT = 0.5
"""Annotators leave a band unsettled between object and ground; half of it counts as object."""

UNLABELLED = -1


@dataclass(frozen=True)
class ImageSet:
    """Images of one size with labels, names and optional foreground masks.

    Attributes:
        images: Pixels (B, 3, H, W), uint8, RGB.
        labels: Class indices (B,), int64; ``UNLABELLED`` for images of a pool.
        names: Path of each image relative to the dataset's root, with forward slashes.
        classes: Class names in index order.
        masks: Foreground masks (B, H, W), uint8, or None when the dataset has none; a row of zeros
            for an image without one.
    """

    images: Tensor
    labels: Tensor
    names: tuple[str, ...]
    classes: tuple[str, ...]
    masks: Tensor | None = None

    def __post_init__(self) -> None:
        if self.images.dtype != torch.uint8 or self.images.ndim != 4 or self.images.shape[1] != 3:
            raise ValueError(
                "expected uint8 images (B, 3, H, W) "
                f"(got {self.images.dtype} {tuple(self.images.shape)})"
            )
        if len(self.labels) != len(self.images) or len(self.names) != len(self.images):
            raise ValueError(
                f"expected one label and name per image "
                f"(got {len(self.images)} images, {len(self.labels)} labels, "
                f"{len(self.names)} names)"
            )
        if self.masks is not None and self.masks.shape != (
            len(self.images),
            *self.images.shape[2:],
        ):
            raise ValueError(
                f"expected masks (B, H, W) of the images' size (got {tuple(self.masks.shape)})"
            )

    def __len__(self) -> int:
        return len(self.images)

    def select(self, index: Tensor) -> "ImageSet":
        """Return the images at ``index`` (int64 positions or a boolean mask) in that order."""
        if index.dtype == torch.bool:
            index = index.nonzero().flatten()
        return replace(
            self,
            images=self.images[index],
            labels=self.labels[index],
            names=tuple(self.names[i] for i in index.tolist()),
            masks=None if self.masks is None else self.masks[index],
        )

    def of_classes(self, class_ids: tuple[int, ...]) -> "ImageSet":
        """Return the images whose label is among ``class_ids``, in their present order."""
        return self.select(torch.isin(self.labels, torch.tensor(class_ids, dtype=torch.int64)))


def object_weight(masks: Tensor) -> Tensor:
    """Return how much each pixel of foreground masks (..., H, W) is object, float32, in [0, 1]."""
    return (masks == OBJECT).float() + BORDER_WEIGHT * (masks == BORDER).float()


def concatenate(parts: Sequence[ImageSet]) -> ImageSet:
    """Join sets of the same classes and image size; masks are kept when any part has them.

    Args:
        parts: At least one set.

    Returns:
        The images of all parts in order.

    Raises:
        ValueError: If there is no part, or the classes differ.
    """
    if not parts or any(part.classes != parts[0].classes for part in parts):
        raise ValueError(f"expected sets of the same classes (got {len(parts)} sets)")
    masks = None
    if any(part.masks is not None for part in parts):
        masks = torch.cat(
            [
                torch.zeros_like(part.images[:, 0]) if part.masks is None else part.masks
                for part in parts
            ]
        )
    return ImageSet(
        images=torch.cat([part.images for part in parts]),
        labels=torch.cat([part.labels for part in parts]),
        names=tuple(name for part in parts for name in part.names),
        classes=parts[0].classes,
        masks=masks,
    )
