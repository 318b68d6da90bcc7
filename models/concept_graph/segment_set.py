"""Segments of many images, kept as label maps instead of masks.

Shape legend: B images · R resolutions · H,W pixels · S segments · L labels per map. A label map
costs one byte per pixel and resolution whatever the number of segments; a mask per segment would
cost thirty times as much.
"""

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

IMAGES_PER_CHUNK = 16


@dataclass(frozen=True)
class SegmentSet:
    """Kept segments of several images, rows sorted by image, then coarse to fine, then label.

    Attributes:
        label_maps: One SLIC label map per resolution (B, R, H, W), uint8 or int16, labels from 0.
            Labels of dropped segments are still in the maps; only the rows below are segments.
        image_index: Image of each segment (S,), int64.
        level: Resolution of each segment (S,), int64, 0 the coarsest.
        label: Value in the label map (S,), int64.
        area: Share of the image that the segment covers (S,), float32, (0, 1].
        centroid: Mean pixel centre, x then y, as shares of width and height (S, 2), float32, [0,
            1].
        box: Tight box x0, y0, x1, y1 in pixels (S, 4), int64; x1 and y1 are exclusive.
    """

    label_maps: Tensor
    image_index: Tensor
    level: Tensor
    label: Tensor
    area: Tensor
    centroid: Tensor
    box: Tensor

    def __len__(self) -> int:
        return len(self.image_index)

    @property
    def n_images(self) -> int:
        """Number of images, those without a segment included."""
        return len(self.label_maps)

    def to(self, device: torch.device | str) -> "SegmentSet":
        """Return the same segments with every tensor on ``device``."""
        moved = {field.name: getattr(self, field.name).to(device) for field in fields(self)}
        return SegmentSet(**moved)

    def select(self, rows: Tensor) -> "SegmentSet":
        """Return the segments at ``rows`` (increasing int64, or bool (S,)) with all images."""
        if rows.dtype == torch.bool:
            rows = rows.nonzero().flatten()
        kept = {
            field.name: getattr(self, field.name)[rows]
            for field in fields(self)
            if field.name != "label_maps"
        }
        return replace(self, **kept)

    def rows_of_images(self, index: Tensor) -> Tensor:
        """Return the rows (int64) of the images at ``index``, in the order of ``index``."""
        counts = torch.bincount(self.image_index, minlength=self.n_images)
        starts = counts.cumsum(0) - counts
        n_rows = counts[index]
        before = n_rows.cumsum(0) - n_rows
        total = torch.arange(int(n_rows.sum()), device=self.image_index.device)
        return total + torch.repeat_interleave(starts[index] - before, n_rows)

    def of_images(self, index: Tensor) -> "SegmentSet":
        """Return the segments of the images at ``index`` (int64), renumbered from 0 in order."""
        rows = self.rows_of_images(index)
        counts = torch.bincount(self.image_index, minlength=self.n_images)[index]
        renumbered = torch.repeat_interleave(
            torch.arange(len(index), device=self.image_index.device), counts
        )
        chosen = replace(self.select(rows), label_maps=self.label_maps[index])
        return replace(chosen, image_index=renumbered)

    def mask(self, row: int) -> Tensor:
        """Return the pixels of one segment, bool (H, W)."""
        label_map = self.label_maps[self.image_index[row], self.level[row]]
        return label_map == self.label[row]

    def coverage(self, pixel_masks: Tensor) -> Tensor:
        """Measure how much of each segment lies inside its image's mask.

        Args:
            pixel_masks: One mask per image (B, H, W), bool or weights in [0, 1].

        Returns:
            Shares (S,), float32, [0, 1].

        Raises:
            ValueError: If the masks do not match the label maps in number or size.
        """
        n_images, n_levels, height, width = self.label_maps.shape
        if pixel_masks.shape != (n_images, height, width):
            raise ValueError(
                f"expected one mask per image {(n_images, height, width)} "
                f"(got {tuple(pixel_masks.shape)})"
            )
        n_labels = self.n_labels()
        sums = self.area.new_zeros(n_images, n_levels * n_labels)
        for first in range(0, n_images, IMAGES_PER_CHUNK):
            chunk = slice(first, first + IMAGES_PER_CHUNK)
            slot = self.slots(chunk, n_labels).flatten(1)  # (b, R*H*W)
            values = pixel_masks[chunk].to(sums).flatten(1).repeat(1, n_levels)
            sums[chunk] = sums[chunk].scatter_add(1, slot, values)
        inside = sums[self.image_index, self.level * n_labels + self.label]
        return (inside / (self.area * (height * width)).round()).clamp(0, 1)

    def n_labels(self) -> int:
        """Return one more than the largest label of any map, kept or not."""
        return int(self.label_maps.max()) + 1 if self.label_maps.numel() else 1

    def slots(self, images: slice, n_labels: int) -> Tensor:
        """Return each pixel's place in a table of (resolution, label), int64 (b, R, H*W)."""
        maps = self.label_maps[images].flatten(2).long()
        offsets = torch.arange(maps.shape[1], device=maps.device) * n_labels
        return maps + offsets[None, :, None]
