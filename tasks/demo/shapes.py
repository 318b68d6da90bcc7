"""The vocabulary in which objects are described: parts, shapes and poses.

Object coordinates: x to the bow or nose, y up, about one unit from the middle to either end.
"""

import math
from dataclasses import dataclass

from tasks.demo.raster import Canvas, Colour

Corners = tuple[tuple[float, float], ...]

PARTS = (
    "background", "hull", "deck", "bow", "island", "sail", "tracks", "turret",
    "fuselage", "cockpit", "wing", "tail", "rotor", "cue_lighthouse", "cue_buoy", "cue_tug",
)  # fmt: skip
"""Names of the part ids; at most 16, so that part masks fit four bits per pixel."""

OBJECT_PARTS = tuple(range(1, 13))
"""Ids of the parts of the object that an image is labelled with."""


@dataclass(frozen=True)
class Shape:
    """One polygon of an object.

    Attributes:
        part: Name of the part it belongs to.
        corners: Polygon in object coordinates.
        colour: Red, green, blue.
        light: Brightness added at its upper and lower end.
        detail: Draw only over cells of the same part, as camouflage or markings do.
        opacity: 0 to 256.
        legible_about: For lettering, the x about which a mirrored object turns it back.
    """

    part: str
    corners: Corners
    colour: Colour
    light: tuple[int, int] = (0, 0)
    detail: bool = False
    opacity: int = 256
    legible_about: float | None = None


@dataclass(frozen=True)
class Pose:
    """Where, how large and how turned an object appears.

    Attributes:
        x: Canvas column of the object's origin, pixels.
        y: Canvas row of the object's origin, pixels.
        scale: Canvas pixels per unit.
        degrees: Rotation, counter-clockwise.
        mirrored: Whether the bow points to the left.
        squash: Factor on the object's height, for the viewpoint.
        shear: Slant of the verticals, for the viewpoint.
    """

    x: int
    y: int
    scale: float
    degrees: float = 0.0
    mirrored: bool = False
    squash: float = 1.0
    shear: float = 0.0

    def place(self, corners: Corners) -> list[tuple[int, int]]:
        """Return the corners in canvas pixels, rounded to integers."""
        angle = math.radians(self.degrees)
        # Libraries may differ in the last bit of sin and cos, hence six decimals.
        cosine, sine = round(math.cos(angle), 6), round(math.sin(angle), 6)
        placed = []
        for u, v in corners:
            across = u + self.shear * v
            up = v * self.squash
            if self.mirrored:
                across = -across
            turned_x = across * cosine - up * sine
            turned_y = across * sine + up * cosine
            placed.append(
                (self.x + round(turned_x * self.scale), self.y - round(turned_y * self.scale))
            )
        return placed


def draw_shapes(canvas: Canvas, shapes: list[Shape], pose: Pose) -> None:
    """Paint the shapes in order, later ones over earlier ones."""
    for shape in shapes:
        part = PARTS.index(shape.part)
        corners = shape.corners
        if pose.mirrored and shape.legible_about is not None:
            corners = tuple((2 * shape.legible_about - x, y) for x, y in corners)
        canvas.paint(
            pose.place(corners),
            shape.colour,
            part=part,
            light=shape.light,
            opacity=shape.opacity,
            only_part=part if shape.detail else None,
        )


def box(left: float, bottom: float, right: float, top: float) -> Corners:
    """Return an upright rectangle."""
    return ((left, bottom), (left, top), (right, top), (right, bottom))


def ellipse(x: float, y: float, radius_x: float, radius_y: float, sides: int = 20) -> Corners:
    """Return an ellipse as a polygon."""
    return tuple(
        (
            x + radius_x * round(math.cos(2 * math.pi * i / sides), 6),
            y + radius_y * round(math.sin(2 * math.pi * i / sides), 6),
        )
        for i in range(sides)
    )


def line(x0: float, y0: float, x1: float, y1: float, thickness: float) -> Corners:
    """Return a straight bar between two points."""
    length = round(math.sqrt((x1 - x0) ** 2 + (y1 - y0) ** 2), 6) or 1.0
    across, up = (y1 - y0) / length * thickness / 2, (x1 - x0) / length * thickness / 2
    return (
        (x0 - across, y0 + up),
        (x1 - across, y1 + up),
        (x1 + across, y1 - up),
        (x0 + across, y0 - up),
    )


def tinted(colour: Colour, shift: int) -> Colour:
    """Return the colour made lighter or darker."""
    return tuple(min(max(c + shift, 0), 255) for c in colour)  # type: ignore[return-value]
