"""Submarines on the surface: one broad with a low sail, one slender with a sail far forward."""

from tasks.demo.shapes import Shape, box, ellipse, line, tinted
from tasks.demo.stream import RandomStream


def build_submarine(kind: str, stream: RandomStream) -> list[Shape]:
    """Return the shapes of a surfaced submarine seen from the side.

    Args:
        kind: ``typhoon`` or ``ohio``.
        stream: Source of the paint.

    Returns:
        Shapes in painting order; the waterline is y = 0.
    """
    base = stream.integer(36, 70)
    black = (base, base + stream.integer(0, 6), base + stream.integer(2, 14))
    pale = tinted(black, 34)
    if kind == "typhoon":
        return [
            Shape(
                "tail", ((-0.93, 0.0), (-0.97, 0.29), (-0.83, 0.29), (-0.74, 0.0)), black, (24, -10)
            ),
            Shape(
                "hull",
                (
                    (-1.0, -0.01),
                    (-0.9, 0.08),
                    (-0.6, 0.145),
                    (0.55, 0.165),
                    (0.82, 0.13),
                    (0.97, 0.06),
                    (1.0, -0.01),
                ),
                black,
                (46, -22),
            ),
            Shape(
                "hull",
                ((0.02, 0.155), (0.1, 0.195), (0.62, 0.19), (0.74, 0.145)),
                tinted(black, 8),
                (34, -4),
            ),
            Shape(
                "sail",
                ((-0.5, 0.13), (-0.38, 0.26), (0.06, 0.265), (0.2, 0.14)),
                tinted(black, 6),
                (40, -14),
            ),
            Shape(
                "sail",
                ((-0.34, 0.25), (-0.28, 0.42), (-0.02, 0.43), (0.05, 0.25)),
                tinted(black, 10),
                (40, -8),
            ),
            Shape("sail", line(-0.18, 0.42, -0.18, 0.54, 0.024), pale),
            Shape("sail", line(-0.09, 0.42, -0.09, 0.5, 0.024), pale),
            Shape("sail", box(-0.27, 0.35, -0.02, 0.385), (150, 160, 165)),
            *[
                Shape("hull", ellipse(0.2 + 0.1 * i, 0.17, 0.03, 0.012, 10), tinted(black, -16))
                for i in range(5)
            ],
        ]
    return [
        Shape("tail", ((-0.96, 0.0), (-0.94, 0.20), (-0.88, 0.20), (-0.84, 0.0)), black, (24, -10)),
        Shape(
            "hull",
            (
                (-0.86, -0.01),
                (-0.76, 0.055),
                (-0.4, 0.09),
                (0.75, 0.095),
                (0.9, 0.07),
                (1.0, -0.01),
            ),
            black,
            (48, -14),
        ),
        Shape(
            "hull",
            ((-0.46, 0.085), (-0.4, 0.115), (0.28, 0.118), (0.36, 0.085)),
            tinted(black, 4),
            (30, 0),
        ),
        Shape(
            "sail",
            ((0.38, 0.08), (0.41, 0.36), (0.61, 0.37), (0.66, 0.08)),
            tinted(black, 8),
            (40, -12),
        ),
        Shape("sail", line(0.3, 0.22, 0.74, 0.225, 0.04), tinted(black, 22)),
        Shape("sail", line(0.48, 0.36, 0.48, 0.52, 0.022), pale),
        Shape("sail", line(0.55, 0.36, 0.55, 0.45, 0.022), pale),
        *[
            Shape("hull", box(-0.38 + 0.085 * i, 0.1, -0.33 + 0.085 * i, 0.11), tinted(black, -18))
            for i in range(7)
        ],
    ]
