"""Segments as weights over the cells of a feature map: their masks, area-downsampled.

Shape legend: B images · R resolutions · H,W pixels · S segments · h,w feature cells.
"""

import torch
from torch import Tensor

from models.concept_graph.segment_set import IMAGES_PER_CHUNK, SegmentSet


def cell_weights(segments: SegmentSet, height: int, width: int) -> Tensor:
    """Weigh the cells of a feature map by each segment's area inside them.

    ``weight[s, cell] = |segment s ∩ cell| / |segment s|``, exact for any ratio of image to feature
    size: a pixel on the border of two cells is split between them.

    Args:
        segments: S segments of images (H, W).
        height: Rows h of the feature map, at most H.
        width: Columns w of the feature map, at most W.

    Returns:
        Weights (S, h*w), float32; rows sum to 1.

    Raises:
        ValueError: If the feature map is larger than the images.
    """
    n_images, n_levels, image_height, image_width = segments.label_maps.shape
    if height > image_height or width > image_width:
        raise ValueError(
            f"expected a feature map of at most {image_height}x{image_width} cells "
            f"(got {height}x{width}); segment larger images or take an earlier layer"
        )
    device, n_cells, n_labels = segments.area.device, height * width, segments.n_labels()
    n_slots = n_levels * n_labels
    weights = segments.area.new_empty(len(segments), n_cells)
    parts = [
        (rows, columns, y_share[:, None] * x_share, y_cell[:, None] * width + x_cell)
        for rows, y_cell, y_share in _axis_cells(image_height, height, device)
        for columns, x_cell, x_share in _axis_cells(image_width, width, device)
    ]
    boundaries = torch.arange(0, n_images + IMAGES_PER_CHUNK, IMAGES_PER_CHUNK, device=device)
    edges = torch.searchsorted(segments.image_index, boundaries).tolist()
    for chunk, first in enumerate(range(0, n_images, IMAGES_PER_CHUNK)):
        slot = segments.slots(slice(first, first + IMAGES_PER_CHUNK), n_labels)
        slot = slot.view(*slot.shape[:2], image_height, image_width) * n_cells
        table = segments.area.new_zeros(len(slot), n_slots * n_cells)
        for rows, columns, share, cell in parts:
            key = slot[:, :, rows][..., columns] + cell  # (b, R, rows, columns)
            table.scatter_add_(1, key.flatten(1), share.expand_as(key).flatten(1))
        own = slice(edges[chunk], edges[chunk + 1])
        kept = segments.level[own] * n_labels + segments.label[own]
        weights[own] = table.view(len(slot), n_slots, n_cells)[
            segments.image_index[own] - first, kept
        ]
    return weights / weights.sum(1, keepdim=True)


def _axis_cells(
    n_pixels: int, n_cells: int, device: torch.device
) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Split an axis: at most two parts of (pixels, cell of each pixel, its share in that cell)."""
    start = torch.arange(n_pixels, dtype=torch.float64, device=device) * n_cells / n_pixels
    end = start + n_cells / n_pixels
    first = (start + 1e-9).floor()
    share = ((first + 1).clamp(max=end) - start) / (end - start)
    every = torch.arange(n_pixels, device=device)
    parts = [(every, first.long(), share.float())]
    split = (share < 1 - 1e-6).nonzero().flatten()
    if len(split):
        parts.append((split, first[split].long() + 1, (1 - share[split]).float()))
    return parts
