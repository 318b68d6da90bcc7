"""Main battle tanks that differ in the turret's outline, the skirts and the gun."""

from tasks.demo.raster import Colour
from tasks.demo.shapes import Shape, box, ellipse, line, tinted
from tasks.demo.stream import RandomStream

PAINTS: tuple[Colour, ...] = ((112, 110, 76), (152, 134, 96), (92, 102, 80), (128, 122, 104))


def build_tank(kind: str, stream: RandomStream) -> list[Shape]:
    """Return the shapes of a tank seen from the side, nose to the right, standing on y = 0.

    Args:
        kind: ``t_72``, ``leopard_2`` or ``abrams``.
        stream: Source of paint, camouflage and gun elevation.

    Returns:
        Shapes in painting order.
    """
    paint = tinted(stream.choice(PAINTS), stream.integer(-14, 14))
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
                ellipse(-0.62 + 0.235 * i, 0.1, 0.1, 0.1, 14),
                tinted(paint, -30),
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
            Shape("hull", ellipse(-0.9, 0.33, 0.07, 0.075, 14), tinted(paint, -14), (20, -26)),
            Shape("hull", box(-0.8, 0.19, 0.75, 0.225), tinted(paint, -22)),
        ]
    elif kind == "leopard_2":
        shapes += [
            Shape("hull", box(0.2, 0.09, 0.78, 0.26), tinted(paint, -8), (12, -16)),
            Shape("hull", box(-0.82, 0.16, 0.2, 0.25), tinted(paint, -16), (8, -14)),
            *[
                Shape(
                    "hull",
                    line(0.2 + 0.19 * i, 0.1, 0.2 + 0.19 * i, 0.26, 0.012),
                    tinted(paint, -46),
                )
                for i in range(4)
            ],
        ]
    else:
        shapes += [
            Shape(
                "hull",
                ((-0.8, 0.26), (-0.62, 0.08), (0.72, 0.08), (0.8, 0.26)),
                tinted(paint, -10),
                (12, -16),
            ),
            *[
                Shape(
                    "hull",
                    line(-0.5 + 0.26 * i, 0.09, -0.5 + 0.26 * i, 0.26, 0.012),
                    tinted(paint, -44),
                )
                for i in range(5)
            ],
        ]
    return shapes


def _round_turret(paint: Colour, rise: float) -> list[Shape]:
    """Return a low dome with a long gun that carries its fume extractor beyond the middle."""
    return [
        Shape("turret", line(0.2, 0.46, 1.08, 0.46 + rise, 0.036), tinted(paint, -20)),
        Shape(
            "turret",
            line(0.72, 0.46 + 0.59 * rise, 0.86, 0.46 + 0.75 * rise, 0.06),
            tinted(paint, -10),
        ),
        Shape(
            "turret",
            (
                (-0.38, 0.36),
                (-0.36, 0.46),
                (-0.24, 0.55),
                (-0.02, 0.58),
                (0.18, 0.55),
                (0.3, 0.46),
                (0.34, 0.36),
            ),
            paint,
            (34, -24),
        ),
        Shape("turret", ellipse(-0.1, 0.59, 0.08, 0.035, 12), tinted(paint, -20)),
        Shape("turret", line(-0.12, 0.6, 0.04, 0.65, 0.02), (50, 50, 48)),
        Shape("turret", ellipse(0.24, 0.5, 0.05, 0.05, 10), tinted(paint, 30)),
    ]


def _wedge_turret(paint: Colour, rise: float) -> list[Shape]:
    """Return a turret with an arrow-shaped front and a long bustle."""
    return [
        Shape("turret", line(0.3, 0.5, 1.1, 0.5 + rise, 0.036), tinted(paint, -20)),
        Shape(
            "turret",
            line(0.56, 0.5 + 0.33 * rise, 0.7, 0.5 + 0.5 * rise, 0.056),
            tinted(paint, -12),
        ),
        Shape(
            "turret",
            ((-0.52, 0.42), (-0.54, 0.6), (0.12, 0.63), (0.46, 0.5), (0.14, 0.37), (-0.4, 0.37)),
            paint,
            (28, -28),
        ),
        Shape(
            "turret",
            ((0.12, 0.63), (0.46, 0.5), (0.14, 0.37), (0.06, 0.5)),
            tinted(paint, 18),
            (14, -22),
        ),
        Shape("turret", box(-0.16, 0.62, -0.04, 0.71), tinted(paint, -16)),
        Shape("turret", line(-0.48, 0.6, -0.5, 0.86, 0.012), (60, 60, 56)),
    ]


def _flat_turret(paint: Colour, rise: float) -> list[Shape]:
    """Return a long, flat turret with a sloped face, a basket behind and a machine gun on top."""
    return [
        Shape("turret", line(0.3, 0.47, 0.98, 0.47 + rise, 0.042), tinted(paint, -20)),
        Shape(
            "turret",
            ((-0.3, 0.36), (-0.42, 0.54), (0.1, 0.57), (0.44, 0.47), (0.4, 0.38)),
            paint,
            (26, -26),
        ),
        Shape(
            "turret",
            ((-0.42, 0.54), (-0.66, 0.53), (-0.66, 0.43), (-0.36, 0.42)),
            tinted(paint, -34),
            (10, -10),
        ),
        Shape("turret", box(-0.62, 0.46, -0.44, 0.475), tinted(paint, 24)),
        Shape("turret", box(0.02, 0.56, 0.12, 0.62), tinted(paint, -14)),
        Shape("turret", box(-0.18, 0.55, -0.08, 0.65), tinted(paint, -22)),
        Shape("turret", line(-0.14, 0.66, 0.1, 0.68, 0.02), (50, 50, 48)),
    ]
