"""Main battle tanks that differ in the turret's outline, the skirts and the gun."""

from tasks.demo.raster import Colour
from tasks.demo.shapes import Shape, box, ellipse, line, tinted
from tasks.demo.stream import RandomStream

PAINTS: dict[str, Colour] = {
    "t_72": (92, 102, 66),
    "leopard_2": (114, 114, 96),
    "abrams": (176, 150, 106),
}
"""Each tank's usual paint; some wear that of another."""
OWN_PAINT_SHARE = 0.55


def build_tank(kind: str, stream: RandomStream) -> list[Shape]:
    """Return the shapes of a tank seen from the side, nose to the right, standing on y = 0.

    Args:
        kind: ``t_72``, ``leopard_2`` or ``abrams``.
        stream: Source of paint, camouflage and gun elevation.

    Returns:
        Shapes in painting order.
    """
    wears = kind if stream.chance(OWN_PAINT_SHARE) else stream.choice(tuple(PAINTS))
    paint = tinted(PAINTS[wears], stream.integer(-16, 16))
    rise = stream.between(-0.02, 0.07)
    turret = {"t_72": _round_turret, "leopard_2": _wedge_turret, "abrams": _flat_turret}[kind]
    shapes = _running_gear(kind, paint) + turret(paint, rise)
    if stream.chance(0.6):
        for part in ("hull", "turret"):
            for _ in range(5):
                x = stream.between(-0.75, 0.7)
                y = stream.between(0.15, 0.4) if part == "hull" else stream.between(0.4, 0.65)
                blotch = ellipse(x, y, stream.between(0.06, 0.16), stream.between(0.03, 0.07), 9)
                shapes.append(Shape(part, blotch, tinted(paint, -36), (8, -8), detail=True))
    return shapes


def _running_gear(kind: str, paint: Colour) -> list[Shape]:
    """Return tracks, wheels, hull and skirts."""
    rubber = (48, 46, 44)
    shapes = [
        Shape(
            "tracks",
            (
                (-0.84, 0.12),
                (-0.8, 0.03),
                (-0.68, 0.0),
                (0.62, 0.0),
                (0.78, 0.05),
                (0.84, 0.15),
                (0.78, 0.22),
                (-0.8, 0.22),
            ),
            rubber,
            (14, -10),
        ),
        *[
            Shape(
                "tracks",
                ellipse(-0.62 + 0.235 * i, 0.11, 0.11, 0.11, 14),
                tinted(paint, -20),
                (16, -20),
            )
            for i in range(6)
        ],
        *[
            Shape("tracks", ellipse(-0.62 + 0.235 * i, 0.1, 0.035, 0.035, 8), rubber)
            for i in range(6)
        ],
        Shape(
            "hull",
            ((-0.88, 0.2), (-0.86, 0.36), (0.5, 0.36), (0.9, 0.24), (0.82, 0.17), (-0.84, 0.17)),
            paint,
            (26, -26),
        ),
    ]
    if kind == "t_72":
        shapes += [
            Shape("hull", ellipse(-0.92, 0.36, 0.11, 0.12, 16), tinted(paint, -14), (24, -30)),
            Shape("hull", ellipse(-0.92, 0.36, 0.05, 0.055, 12), tinted(paint, -50)),
            Shape("hull", box(-0.8, 0.2, 0.75, 0.235), tinted(paint, -22)),
        ]
    elif kind == "leopard_2":
        shapes += [
            Shape("hull", box(0.1, 0.06, 0.8, 0.28), tinted(paint, -8), (12, -16)),
            Shape("hull", box(-0.82, 0.18, 0.1, 0.28), tinted(paint, -16), (8, -14)),
            *[
                Shape(
                    "hull",
                    line(0.12 + 0.22 * i, 0.07, 0.12 + 0.22 * i, 0.28, 0.024),
                    tinted(paint, -46),
                )
                for i in range(4)
            ],
        ]
    else:
        shapes += [
            Shape(
                "hull",
                ((-0.84, 0.28), (-0.74, 0.03), (0.76, 0.03), (0.86, 0.28)),
                tinted(paint, -10),
                (12, -16),
            ),
            *[
                Shape(
                    "hull",
                    line(-0.52 + 0.26 * i, 0.04, -0.52 + 0.26 * i, 0.28, 0.02),
                    tinted(paint, -44),
                )
                for i in range(5)
            ],
        ]
    return shapes


def _round_turret(paint: Colour, rise: float) -> list[Shape]:
    """Return a low dome with a long gun that carries its fume extractor beyond the middle."""
    return [
        Shape("turret", line(0.1, 0.47, 1.08, 0.47 + rise, 0.044), tinted(paint, -20)),
        Shape(
            "turret",
            line(0.7, 0.47 + 0.61 * rise, 0.86, 0.47 + 0.78 * rise, 0.08),
            tinted(paint, -10),
        ),
        Shape(
            "turret",
            (
                (-0.42, 0.36),
                (-0.4, 0.45),
                (-0.3, 0.56),
                (-0.06, 0.62),
                (0.14, 0.57),
                (0.26, 0.46),
                (0.3, 0.36),
            ),
            paint,
            (38, -24),
        ),
        *[
            Shape("turret", box(0.02 + 0.085 * i, 0.4, 0.08 + 0.085 * i, 0.5), tinted(paint, -40))
            for i in range(3)
        ],
        Shape("turret", ellipse(-0.14, 0.63, 0.1, 0.045, 12), tinted(paint, -20)),
        Shape("turret", line(-0.16, 0.66, 0.06, 0.73, 0.03), (50, 50, 48)),
    ]


def _wedge_turret(paint: Colour, rise: float) -> list[Shape]:
    """Return a tall turret with an arrow-shaped front and a sight on the roof."""
    return [
        Shape("turret", line(0.4, 0.53, 1.1, 0.53 + rise, 0.044), tinted(paint, -20)),
        Shape(
            "turret",
            line(0.64, 0.53 + 0.34 * rise, 0.78, 0.53 + 0.54 * rise, 0.07),
            tinted(paint, -12),
        ),
        Shape(
            "turret",
            ((-0.52, 0.42), (-0.54, 0.7), (0.1, 0.73), (0.54, 0.53), (0.14, 0.37), (-0.4, 0.37)),
            paint,
            (28, -28),
        ),
        Shape(
            "turret",
            ((0.1, 0.73), (0.54, 0.53), (0.14, 0.37), (0.02, 0.54)),
            tinted(paint, 34),
            (14, -40),
        ),
        Shape("turret", box(-0.22, 0.72, -0.04, 0.85), tinted(paint, -16)),
        Shape("turret", box(-0.18, 0.76, -0.06, 0.81), (58, 74, 84)),
        Shape("turret", line(-0.47, 0.7, -0.5, 1.02, 0.02), (60, 60, 56)),
    ]


def _flat_turret(paint: Colour, rise: float) -> list[Shape]:
    """Return a long, flat turret with a sloped face, a basket behind and a machine gun on top."""
    return [
        Shape("turret", line(0.3, 0.46, 0.98, 0.46 + rise, 0.05), tinted(paint, -20)),
        Shape(
            "turret",
            ((-0.36, 0.36), (-0.46, 0.57), (0.12, 0.58), (0.5, 0.46), (0.46, 0.37)),
            paint,
            (26, -26),
        ),
        Shape(
            "turret",
            ((-0.46, 0.57), (-0.84, 0.56), (-0.84, 0.42), (-0.4, 0.41)),
            tinted(paint, -44),
            (10, -10),
        ),
        Shape("turret", box(-0.8, 0.49, -0.5, 0.52), tinted(paint, 24)),
        Shape("turret", box(0.02, 0.56, 0.14, 0.64), tinted(paint, -14)),
        Shape("turret", box(-0.24, 0.56, -0.1, 0.7), tinted(paint, -30)),
        Shape("turret", line(-0.22, 0.72, 0.16, 0.75, 0.034), (50, 50, 48)),
    ]
