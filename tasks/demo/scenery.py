"""Backdrops: open sea, desert, meadow and sky, each different in light, weather and terrain."""

from dataclasses import dataclass

import numpy as np

from tasks.demo.noise import Grid, blended, value_noise, vertical_run
from tasks.demo.raster import Colour, Pixels
from tasks.demo.shapes import tinted
from tasks.demo.stream import RandomStream

SKIES: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((86, 140, 208), (190, 214, 232), (250, 250, 250)),
    ((122, 146, 170), (206, 212, 214), (232, 234, 236)),
    ((70, 84, 138), (242, 186, 140), (250, 214, 190)),
    ((104, 120, 136), (164, 172, 178), (196, 200, 204)),
    ((52, 108, 190), (150, 196, 236), (246, 248, 252)),
    ((150, 132, 150), (244, 216, 180), (250, 232, 216)),
)
"""Zenith, horizon and clouds of a sky."""
SEAS: tuple[tuple[Colour, Colour], ...] = (
    ((92, 132, 158), (24, 62, 96)),
    ((108, 138, 140), (36, 78, 84)),
    ((134, 142, 148), (62, 76, 88)),
    ((70, 128, 160), (14, 72, 112)),
)
DESERTS: tuple[Colour, ...] = ((206, 178, 130), (190, 156, 112), (216, 194, 152))
MEADOWS: tuple[Colour, ...] = ((104, 128, 70), (124, 132, 84), (86, 108, 66))


@dataclass(frozen=True)
class Backdrop:
    """A background and what the rest of the scene needs to know of it.

    Attributes:
        pixels: Colours (H, W, 3), uint8.
        horizon: Row of the horizon, pixels.
        haze: Colour of the air.
        ground: Colour of the ground or water in front.
    """

    pixels: Pixels
    horizon: int
    haze: Colour
    ground: Colour


def draw_backdrop(stream: RandomStream, kind: str, size: int) -> Backdrop:
    """Draw a backdrop.

    Args:
        stream: Source of weather and terrain.
        kind: ``sea``, ``land``, ``low_land`` (little ground, for what flies low) or ``sky``.
        size: Side, pixels.

    Returns:
        The backdrop.
    """
    zenith, low, cloud = stream.choice(SKIES)
    share = {"sea": (0.22, 0.5), "land": (0.3, 0.5), "low_land": (0.72, 0.9), "sky": (0.86, 1.3)}[
        kind
    ]
    horizon = min(int(size * stream.between(*share)), size)
    picture = np.zeros((size, size, 3), dtype=np.int32)
    picture[:horizon] = _sky(stream, horizon, size, zenith, low, cloud)
    ground: Colour = low
    if horizon < size:
        rows = size - horizon
        if kind == "sea":
            far, ground = stream.choice(SEAS)
            picture[horizon:] = _sea(stream, rows, size, far, ground)
        else:
            ground = tinted(
                stream.choice(stream.choice((DESERTS, MEADOWS))), stream.integer(-16, 16)
            )
            picture[horizon:] = _ground(stream, rows, size, ground)
        if stream.chance(0.6):
            _ridge(
                stream,
                picture,
                horizon,
                tinted(ground, -18) if kind != "sea" else (110, 124, 128),
                low,
            )
    pixels = np.clip(picture, 0, 255).astype(np.uint8)
    return Backdrop(pixels, horizon, low, ground)


def _sky(
    stream: RandomStream, rows: int, size: int, zenith: Colour, low: Colour, cloud: Colour
) -> Grid:
    """Return a sky with clouds that flatten towards the horizon."""
    sky = vertical_run(rows, size, zenith, low)
    puffs = value_noise(stream, rows, size, stream.integer(2, 5), stream.integer(2, 5)) * 2
    puffs += value_noise(stream, rows, size, 10, 9) + (value_noise(stream, rows, size, 24, 18) >> 1)
    threshold = stream.integer(380, 620)
    return blended(sky, cloud, np.clip((puffs - threshold) * 2, 0, 220))


def _sea(stream: RandomStream, rows: int, size: int, far: Colour, near: Colour) -> Grid:
    """Return water whose waves grow towards the viewer, with glitter and a few crests."""
    sea = vertical_run(rows, size, far, near)
    swell = value_noise(stream, rows, size, 18, 5) + value_noise(stream, rows, size, 34, 14) - 255
    depth = np.arange(rows, dtype=np.int32)[:, None] * 160 // rows + 60
    sea += (swell * depth * stream.integer(30, 70) >> 16)[..., None]
    crest = value_noise(stream, rows, size, 40, 22)
    return blended(sea, (226, 234, 238), np.clip((crest - stream.integer(205, 245)) * 5, 0, 170))


def _ground(stream: RandomStream, rows: int, size: int, colour: Colour) -> Grid:
    """Return sand or grass with drifts, tufts and pebbles."""
    ground = vertical_run(rows, size, tinted(colour, 18), tinted(colour, -22))
    drift = (
        value_noise(stream, rows, size, 5, 3) + (value_noise(stream, rows, size, 16, 9) >> 1) - 190
    )
    ground += (drift * stream.integer(40, 90) >> 9)[..., None]
    grain = value_noise(stream, rows, size, 40, 50) - 128
    ground += (grain * stream.integer(20, 70) >> 8)[..., None]
    return ground


def _ridge(stream: RandomStream, picture: Grid, horizon: int, colour: Colour, haze: Colour) -> None:
    """Draw hills, a coast or a line of trees on the horizon."""
    size = picture.shape[1]
    height = stream.integer(3, max(4, size // 9))
    wave = value_noise(stream, 1, size, 1, stream.integer(3, 8))[0] * 2
    wave += value_noise(stream, 1, size, 1, stream.integer(14, 40))[0] >> 1
    crest = (wave - stream.integer(120, 360)) * height >> 8
    far = stream.integer(80, 190)
    tone = [(c * (256 - far) + h * far) >> 8 for c, h in zip(colour, haze, strict=True)]
    above = horizon - np.arange(picture.shape[0], dtype=np.int32)[:, None]
    covered = (above > 0) & (above <= crest)
    picture[covered] = np.array(tone, dtype=np.int32)
