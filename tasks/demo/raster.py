"""Integer drawing: polygons on a canvas of three times the image's side, then means of 3x3 cells.

No floating point reaches a pixel, so that the same scene gives the same bytes on every machine.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
Points = Sequence[tuple[int, int]]
Pixels = NDArray[np.uint8]

OVERSAMPLING = 3


def polygon_mask(points: Points, height: int, width: int) -> tuple[slice, slice, NDArray[np.bool_]]:
    """Rasterise a polygon by the even-odd rule, in exact integer arithmetic.

    Args:
        points: Corners (x, y), pixels; may lie outside the canvas.
        height: Rows of the canvas, pixels.
        width: Columns of the canvas, pixels.

    Returns:
        Rows and columns of the clipped bounding box, and the mask within it.
    """
    corners = np.array(points, dtype=np.int64)
    low, high = corners.min(0), corners.max(0)
    left, right = (min(max(int(v), 0), width) for v in (low[0], high[0]))
    top, bottom = (min(max(int(v), 0), height) for v in (low[1], high[1]))
    box = slice(top, bottom), slice(left, right)
    if left >= right or top >= bottom:
        return *box, np.zeros((bottom - top, right - left), dtype=np.bool_)
    x0, y0 = corners[:, 0], corners[:, 1]
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    # Coordinates are doubled so that pixel centres are odd integers.
    centre = (2 * np.arange(top, bottom) + 1)[:, None]
    crosses = (2 * y0 <= centre) != (2 * y1 <= centre)
    row, edge = np.nonzero(crosses)
    rise = y1[edge] - y0[edge]
    doubled = 2 * x0[edge] + (centre[row, 0] - 2 * y0[edge]) * (x1[edge] - x0[edge]) // rise
    column = np.clip((doubled + 1) // 2, left, right) - left
    span = right - left + 1
    flips = np.bincount(row * span + column, minlength=(bottom - top) * span)
    parity = (flips & 1).astype(np.uint8).reshape(bottom - top, span)
    return *box, np.bitwise_xor.accumulate(parity, axis=1)[:, :-1].astype(np.bool_)


class Canvas:
    """Colours and part ids of a scene at three times its resolution.

    Args:
        background: Backdrop (H, W, 3), uint8, at the final resolution.
    """

    def __init__(self, background: Pixels) -> None:
        grown = background.repeat(OVERSAMPLING, axis=0).repeat(OVERSAMPLING, axis=1)
        self.pixels: Pixels = np.ascontiguousarray(grown)
        self.parts: Pixels = np.zeros(grown.shape[:2], dtype=np.uint8)

    def paint(
        self,
        points: Points,
        colour: Colour,
        *,
        part: int,
        light: tuple[int, int] = (0, 0),
        opacity: int = 256,
        only_part: int | None = None,
    ) -> None:
        """Fill a polygon.

        Args:
            points: Corners (x, y), canvas pixels.
            colour: Red, green and blue, 0 to 255.
            part: Part id that the covered cells get.
            light: Brightness added at the polygon's upper and lower end, with a linear run between.
            opacity: 0 (invisible) to 256 (opaque).
            only_part: Restrict the paint to cells that have this part id already.
        """
        height, width = self.parts.shape
        rows, columns, mask = polygon_mask(points, height, width)
        if only_part is not None:
            mask &= self.parts[rows, columns] == only_part
        top, bottom = min(y for _, y in points), max(y for _, y in points)
        run = np.arange(rows.start, rows.stop, dtype=np.int64) - top
        shade = light[0] + (light[1] - light[0]) * run // max(bottom - top, 1)
        tone = np.clip(np.array(colour, dtype=np.int64) + shade[:, None], 0, 255)[:, None, :]
        region = self.pixels[rows, columns]
        if opacity < 256:
            mixed = (region.astype(np.int64) * (256 - opacity) + tone * opacity) >> 8
            np.copyto(region, mixed.astype(np.uint8), where=mask[..., None])
        else:
            np.copyto(region, tone.astype(np.uint8), where=mask[..., None])
        np.copyto(self.parts[rows, columns], np.uint8(part), where=mask)

    def reduced(self) -> Pixels:
        """Return the picture (H, W, 3): the rounded mean of each 3x3 cell."""
        total = np.zeros((self.parts.shape[0] // 3, self.parts.shape[1] // 3, 3), dtype=np.uint16)
        for i in range(OVERSAMPLING):
            for j in range(OVERSAMPLING):
                total += self.pixels[i::OVERSAMPLING, j::OVERSAMPLING]
        return ((total + 4) // 9).astype(np.uint8)

    def reduced_parts(self) -> Pixels:
        """Return the part id (H, W) at the middle of each cell."""
        return np.ascontiguousarray(self.parts[1::OVERSAMPLING, 1::OVERSAMPLING])

    def coverage(self, part_ids: Sequence[int]) -> Pixels:
        """Count, from 0 to 9, the sub-cells of each pixel that belong to one of the parts."""
        chosen = np.isin(self.parts, list(part_ids)).astype(np.uint8)
        total = np.zeros((chosen.shape[0] // 3, chosen.shape[1] // 3), dtype=np.uint8)
        for i in range(OVERSAMPLING):
            for j in range(OVERSAMPLING):
                total += chosen[i::OVERSAMPLING, j::OVERSAMPLING]
        return total
