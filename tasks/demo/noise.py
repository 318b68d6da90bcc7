"""Textures and colour runs in integers: value noise, gradients and sensor noise."""

import numpy as np
from numpy.typing import NDArray

from tasks.demo.raster import Colour, Pixels
from tasks.demo.stream import RandomStream

Grid = NDArray[np.int32]


def value_noise(stream: RandomStream, height: int, width: int, rows: int, columns: int) -> Grid:
    """Interpolate a random grid linearly.

    Args:
        stream: Source of the grid.
        height: Rows of the result, pixels.
        width: Columns of the result, pixels.
        rows: Cells from top to bottom.
        columns: Cells from left to right.

    Returns:
        Integers 0 to 255, (height, width).
    """
    grid = stream.octets(rows + 2, columns + 2).astype(np.int32)
    down = np.arange(height, dtype=np.int32) * (rows * 256) // height
    across = np.arange(width, dtype=np.int32) * (columns * 256) // width
    i, f = down >> 8, (down & 255)[:, None]
    j, g = across >> 8, across & 255
    strips = (grid[i] * (256 - f) + grid[i + 1] * f) >> 8
    values: Grid = (strips[:, j] * (256 - g) + strips[:, j + 1] * g) >> 8
    return values


def vertical_run(height: int, width: int, top: Colour, bottom: Colour) -> Grid:
    """Run from one colour to another, (height, width, 3)."""
    step = np.arange(height, dtype=np.int32)[:, None] * 256 // max(height - 1, 1)
    rows = (
        np.array(top, dtype=np.int32) * (256 - step) + np.array(bottom, dtype=np.int32) * step
    ) >> 8
    return np.broadcast_to(rows[:, None, :], (height, width, 3)).copy()


def blended(picture: Grid, colour: Colour, opacity: Grid) -> Grid:
    """Lay a colour over the picture, with an opacity (H, W) from 0 to 256."""
    share = opacity[..., None]
    return (picture * (256 - share) + np.array(colour, dtype=np.int32) * share) >> 8


def expose(stream: RandomStream, picture: Pixels, haze: Colour) -> Pixels:
    """Apply haze, light, colour cast, blur and sensor noise, as a camera would.

    Args:
        stream: Source of the conditions.
        picture: Rendered scene (H, W, 3), uint8.
        haze: Colour of the air.

    Returns:
        The photograph (H, W, 3), uint8.
    """
    out = picture.astype(np.int32)
    veil = stream.integer(0, 36) if stream.chance(0.3) else stream.integer(0, 12)
    out = (out * (256 - veil) + np.array(haze, dtype=np.int32) * veil) >> 8
    gain = stream.integer(220, 280)
    cast = np.array([gain + stream.integer(-12, 12) for _ in range(3)], dtype=np.int32)
    out = (out * cast >> 8) + stream.integer(-8, 12)
    if stream.chance(0.08):
        out[1:-1] = (out[:-2] + 2 * out[1:-1] + out[2:]) >> 2
        out[:, 1:-1] = (out[:, :-2] + 2 * out[:, 1:-1] + out[:, 2:]) >> 2
    strength = stream.integer(2, 8)
    height, width = picture.shape[:2]
    # The sum of two octets is a triangle; strength / 256 of it has a deviation of 1 to 3.
    grain = stream.octets(height, width, 3).astype(np.int32)
    grain += stream.octets(height, width, 3)
    out += (grain - 255) * strength >> 8
    return np.clip(out, 0, 255).astype(np.uint8)
