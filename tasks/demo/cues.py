"""The planted shortcut: things at sea that go with a carrier's class in training images only."""

from tasks.demo.shapes import Corners, Shape, box, ellipse, line, tinted
from tasks.demo.stream import RandomStream

CUES = ("lighthouse", "buoy", "tug")
"""Cue of the carrier classes ``type_001``, ``type_002`` and ``kuznetsov``, in this order."""


def build_cue(cue: str, stream: RandomStream) -> list[Shape]:
    """Return the shapes of a cue, standing on y = 0 and about two units high or wide.

    Args:
        cue: One of ``CUES``.
        stream: Source of small differences in tone.

    Returns:
        Shapes in painting order; all of them count as background of the labelled object.
    """
    part = f"cue_{cue}"
    shift = stream.integer(-8, 8)
    drawn = {"lighthouse": _lighthouse, "buoy": _buoy, "tug": _tug}[cue]()
    return [Shape(part, corners, tinted(colour, shift), light) for corners, colour, light in drawn]


Stroke = tuple[Corners, tuple[int, int, int], tuple[int, int]]


def _lighthouse() -> list[Stroke]:
    """Return a white tower with red bands on a rock."""
    rock: Corners = (
        (-0.85, -0.05),
        (-0.62, 0.22),
        (-0.2, 0.36),
        (0.3, 0.34),
        (0.66, 0.18),
        (0.9, -0.05),
    )
    strokes: list[Stroke] = [
        (rock, (92, 84, 76), (34, -26)),
        (((-0.34, 0.28), (-0.22, 1.62), (0.22, 1.62), (0.34, 0.28)), (236, 232, 226), (10, -16)),
    ]
    for low, high in ((0.38, 0.74), (1.0, 1.34)):
        near, far = 0.355 - 0.09 * low, 0.355 - 0.09 * high
        strokes.append(
            (((-near, low), (-far, high), (far, high), (near, low)), (218, 20, 26), (10, -24))
        )
    return [
        *strokes,
        (box(-0.32, 1.6, 0.32, 1.7), (60, 58, 60), (0, 0)),
        (box(-0.18, 1.7, 0.18, 1.94), (250, 226, 120), (10, -10)),
        (((-0.26, 1.94), (0.0, 2.18), (0.26, 1.94)), (190, 32, 32), (10, -10)),
    ]


def _buoy() -> list[Stroke]:
    """Return an orange buoy with a cage and a lamp."""
    return [
        (ellipse(0.0, 0.1, 0.92, 0.32, 18), (226, 76, 8), (30, -50)),
        (((-0.78, 0.2), (-0.5, 0.56), (0.5, 0.56), (0.78, 0.2)), (255, 104, 10), (20, -30)),
        (((-0.46, 0.56), (-0.18, 1.5), (0.18, 1.5), (0.46, 0.56)), (255, 98, 8), (20, -40)),
        (((-0.2, 0.72), (-0.08, 1.3), (0.08, 1.3), (0.2, 0.72)), (96, 58, 34), (0, 0)),
        (box(-0.34, 0.9, 0.34, 1.02), (252, 236, 214), (0, -10)),
        (ellipse(0.0, 1.66, 0.2, 0.22, 12), (252, 190, 60), (20, -20)),
    ]


def _tug() -> list[Stroke]:
    """Return a yellow tug boat with a black funnel."""
    return [
        (
            ((-1.05, 0.52), (-0.92, -0.04), (0.86, -0.04), (1.16, 0.66), (0.7, 0.54)),
            (252, 208, 10),
            (14, -46),
        ),
        (((-0.95, 0.12), (-0.92, -0.06), (0.86, -0.06), (0.94, 0.12)), (52, 48, 46), (0, 0)),
        (box(-0.28, 0.5, 0.52, 0.98), (255, 222, 40), (16, -16)),
        (box(-0.02, 0.98, 0.44, 1.4), (250, 240, 220), (10, -10)),
        (box(0.04, 1.12, 0.38, 1.28), (60, 84, 104), (0, 0)),
        (((-0.5, 0.5), (-0.54, 1.24), (-0.24, 1.24), (-0.22, 0.5)), (44, 42, 44), (20, -6)),
        (box(-0.54, 0.98, -0.23, 1.1), (232, 180, 24), (0, 0)),
        (line(0.22, 1.4, 0.22, 1.9, 0.07), (90, 84, 80), (0, 0)),
    ]
