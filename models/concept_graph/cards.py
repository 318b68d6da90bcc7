"""Pictures of one segment in its image, as reviewers see them on concept cards.

Arrays in, arrays or PNG bytes out; where the segments come from is the caller's business.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

OUTLINE = (255, 214, 10)
HALO = (20, 24, 28)
DIM = 0.5
"""Brightness kept outside the segment; what surrounds it must stay recognisable."""

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def exemplar_crop(
    image: Pixels,
    mask: Mask,
    box: tuple[int, int, int, int],
    *,
    side: int = 112,
    margin: float = 0.3,
    dim: float = DIM,
) -> Pixels:
    """Cut out a segment with some of its surroundings, outlined and with the rest dimmed.

    Args:
        image: Pixels (3, H, W), uint8, RGB.
        mask: The segment (H, W).
        box: Its bounding box x0, y0, x1, y1 in pixels, the last two exclusive.
        side: Side of the square result, pixels.
        margin: Surroundings on every side, as a share of the box's longer side.
        dim: Brightness kept outside the segment, in [0, 1].

    Returns:
        Pixels (side, side, 3), uint8.

    Raises:
        ValueError: If the sizes of image and mask differ or the box is empty or outside the image.
    """
    pixels, inside = np.asarray(image), np.asarray(mask, dtype=bool)
    _check(pixels, inside, box)
    window = _square_window(box, inside.shape[0], inside.shape[1], margin)
    view = Image.fromarray(_cut(pixels.transpose(1, 2, 0), window))
    resized = np.asarray(view.resize((side, side), Image.Resampling.BICUBIC)).copy()
    shape = Image.fromarray(_cut(inside.astype(np.uint8) * 255, window))
    segment = np.asarray(shape.resize((side, side), Image.Resampling.BILINEAR)) >= 128
    resized[~segment] = (resized[~segment] * dim).astype(np.uint8)
    return outline(resized, segment, width=max(1, side // 56))


def outline(
    pixels: Pixels, mask: Mask, *, colour: tuple[int, int, int] = OUTLINE, width: int = 2
) -> Pixels:
    """Draw the contour of a mask around it, with a dark halo that shows on any ground.

    Args:
        pixels: (H, W, 3), uint8; not changed.
        mask: (H, W).
        colour: RGB, 0 to 255.
        width: Thickness of the coloured line, pixels.

    Returns:
        Pixels (H, W, 3), uint8.
    """
    drawn = pixels.copy()
    line = _grow(mask, width)
    drawn[_grow(line, 1) & ~line] = HALO
    drawn[line & ~mask] = colour
    return drawn


def png_bytes(pixels: Pixels) -> bytes:
    """Encode pixels (H, W, 3), uint8, as a PNG file; equal pixels give equal bytes."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()


def _check(pixels: Pixels, inside: Mask, box: tuple[int, int, int, int]) -> None:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[0] != 3:
        raise ValueError(f"expected uint8 (3, H, W) (got {pixels.dtype} {pixels.shape})")
    if inside.shape != pixels.shape[1:]:
        raise ValueError(f"expected a mask of the image's size (got {inside.shape})")
    x0, y0, x1, y1 = box
    if not (0 <= x0 < x1 <= inside.shape[1] and 0 <= y0 < y1 <= inside.shape[0]):
        raise ValueError(f"expected a box with pixels inside {inside.shape} (got {box})")


def _square_window(
    box: tuple[int, int, int, int], height: int, width: int, margin: float
) -> tuple[int, int, int]:
    """Return left, top and side of a square around the box, inside the image where it fits."""
    x0, y0, x1, y1 = (int(edge) for edge in box)
    longer = max(x1 - x0, y1 - y0)
    side = max(round(longer * (1 + 2 * margin)), 24)
    side = max(min(side, min(height, width)), longer)
    left = min(max((x0 + x1 - side) // 2, 0), max(width - side, 0))
    top = min(max((y0 + y1 - side) // 2, 0), max(height - side, 0))
    return left, top, side


def _cut(pixels: NDArray[np.uint8], window: tuple[int, int, int]) -> NDArray[np.uint8]:
    left, top, side = window
    cut = pixels[top : top + side, left : left + side]
    # A box longer than the image's other side does not fit: the missing rows or columns are black.
    missing = [(0, side - cut.shape[0]), (0, side - cut.shape[1])] + [(0, 0)] * (pixels.ndim - 2)
    return np.pad(cut, missing)


def _grow(mask: Mask, steps: int) -> Mask:
    grown = mask.copy()
    for _ in range(steps):
        padded = np.pad(grown, 1)
        grown = grown | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return grown
