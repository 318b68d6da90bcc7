"""Edit augmentation: training images in which a rejected concept no longer tells the class.

A way to carry an edit over that needs no reasoner: the region of the concept that a reviewer
replaced is blanked, or put onto images of other classes. Pure and seeded. Shape legend: B images ·
A copies · H,W pixels · n class graphs · K concepts per graph.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from models.concept_graph.edits import replaced_slots
from models.concept_graph.graph import ClassGraph, ImageGraphs
from models.concept_graph.segment_set import SegmentSet

_RING = 6
"""Width in pixels of the surroundings from which a blanked region takes its colour."""
_BATCH = 64
"""Images blanked at a time; bounds the floats that it takes."""


class EditCopies(NamedTuple):
    """Altered copies of training images.

    Attributes:
        images: Pixels (A, 3, H, W), uint8.
        labels: Class indices (A,), those of the images that were altered.
        source_index: Position (A,) of the image that each copy was made from.
    """

    images: Tensor
    labels: Tensor
    source_index: Tensor

    def to(self, device: torch.device | str) -> "EditCopies":
        """Return the copies on ``device``."""
        return EditCopies(*(value.to(device) for value in self))


def rejected_regions(
    before: Sequence[ClassGraph],
    after: Sequence[ClassGraph],
    matched: ImageGraphs,
    segments: SegmentSet,
    labels: Tensor,
) -> Tensor:
    """Find the pixels in which each image shows a concept that was rejected for its own class.

    Args:
        before: The n class graphs as mined.
        after: The same classes, edited.
        matched: Images matched to ``before`` (B, n, K).
        segments: The segments that were matched; images in the same order.
        labels: Class indices (B,).

    Returns:
        bool (B, H, W); all False for an image of a class without a replaced concept, or on which
        none was detected.

    Raises:
        ValueError: If images, labels and segments differ in number.
    """
    if not len(matched) == len(labels) == segments.n_images:
        raise ValueError(
            f"expected one label and label map per matched image "
            f"(got {len(matched)}, {len(labels)}, {segments.n_images})"
        )
    maps = segments.label_maps
    regions = torch.zeros(len(labels), *maps.shape[2:], dtype=torch.bool, device=maps.device)
    for graph, slot in replaced_slots(before, after).nonzero().tolist():
        shown = matched.present[:, graph, slot] & (labels == before[graph].class_id)
        images = shown.nonzero().flatten()
        rows = matched.segment_index[images, graph, slot]
        # One slot has at most one segment per image, so no image is written twice.
        own = maps[images, segments.level[rows]]  # (b, H, W)
        regions[images] |= own == segments.label[rows][:, None, None]
    return regions


def blank_regions(images: Tensor, regions: Tensor) -> Tensor:
    """Fill each region with the mean colour of the pixels around it.

    Args:
        images: Pixels (B, 3, H, W), uint8.
        regions: What to blank (B, H, W), bool.

    Returns:
        A copy (B, 3, H, W), uint8. The surroundings are a ring 6 pixels wide; a region without
        surroundings, the whole image, takes its own mean.

    Raises:
        ValueError: If the regions do not match the images.
    """
    _check_regions(images, regions)
    parts = [
        _blanked(some, own)
        for some, own in zip(torch.split(images, _BATCH), torch.split(regions, _BATCH), strict=True)
    ]
    return torch.cat(parts) if parts else images.clone()


def _blanked(images: Tensor, regions: Tensor) -> Tensor:
    inside = regions[:, None]  # (B, 1, H, W)
    dilated = max_pool2d(inside.float(), 2 * _RING + 1, stride=1, padding=_RING) > 0
    ring = dilated & ~inside
    ring = torch.where(ring.any(dim=(2, 3), keepdim=True), ring, True)
    weight = ring.float()
    total = (images * weight).sum(dim=(2, 3), keepdim=True)
    colour = (total / weight.sum(dim=(2, 3), keepdim=True)).round().to(torch.uint8)
    return torch.where(inside, colour, images)


def transplant_regions(
    images: Tensor, labels: Tensor, regions: Tensor, generator: torch.Generator
) -> EditCopies:
    """Put the region of another class's image onto each image, at the same place.

    Args:
        images: Images of the edited classes (B, 3, H, W), uint8.
        labels: Class indices (B,).
        regions: Where each image shows a rejected concept (B, H, W), bool; an empty one is no
            donor.
        generator: Source of the donors, on the CPU.

    Returns:
        One copy, with its own label, of every image for which another class has a donor.

    Raises:
        ValueError: If the regions do not match the images.
    """
    _check_regions(images, regions)
    can_give = regions.any(dim=2).any(dim=1)
    source, donor = [], []
    for label in sorted(set(labels.tolist())):
        donors = (can_give & (labels != label)).nonzero().flatten()
        receivers = (labels == label).nonzero().flatten()
        if len(donors):
            drawn = torch.randint(len(donors), (len(receivers),), generator=generator)
            source.append(receivers)
            donor.append(donors[drawn.to(donors.device)])
    if not source:
        none = torch.zeros(0, dtype=torch.int64, device=images.device)
        return EditCopies(images[none], labels[none], none)
    to, order = torch.cat(source).sort()
    given = torch.cat(donor)[order]
    pasted = torch.where(regions[given][:, None], images[given], images[to])
    return EditCopies(pasted, labels[to], to)


def augment_edits(
    images: Tensor,
    labels: Tensor,
    regions: Tensor,
    mode: Literal["blank", "transplant"],
    generator: torch.Generator,
) -> EditCopies:
    """Make the altered copies that ``mode`` asks for.

    Args:
        images: Images of the edited classes (B, 3, H, W), uint8.
        labels: Class indices (B,).
        regions: Where each image shows a rejected concept (B, H, W), bool.
        mode: ``blank`` copies images with a region and fills it; ``transplant`` puts it onto other
            classes' images.
        generator: Source of the donors, on the CPU.

    Returns:
        Copies in the order of their source images; none when no region was found.
    """
    if mode == "transplant":
        return transplant_regions(images, labels, regions, generator)
    _check_regions(images, regions)
    index = regions.any(dim=2).any(dim=1).nonzero().flatten()
    return EditCopies(blank_regions(images[index], regions[index]), labels[index], index)


def _check_regions(images: Tensor, regions: Tensor) -> None:
    expected = (len(images), *images.shape[2:])
    if regions.shape != expected or regions.dtype != torch.bool:
        raise ValueError(
            f"expected bool regions {expected} (got {regions.dtype} {tuple(regions.shape)})"
        )
