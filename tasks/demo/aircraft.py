"""Fighter jets seen from below or above, and attack helicopters seen from the side."""

from tasks.demo.raster import Colour
from tasks.demo.shapes import Corners, Shape, box, ellipse, line, tinted
from tasks.demo.stream import RandomStream


def build_jet(kind: str, stream: RandomStream) -> list[Shape]:
    """Return the shapes of a fighter in plan view, nose to the right.

    Args:
        kind: ``su_27`` or ``f_15``.
        stream: Source of the paint.

    Returns:
        Shapes in painting order.
    """
    base = stream.integer(104, 166)
    blue = stream.integer(12, 30) if kind == "su_27" else stream.integer(-4, 12)
    grey = (base - blue, base, base + blue)
    dark = tinted(grey, -40)
    if kind == "su_27":
        wing: Corners = ((0.52, 0.07), (0.24, 0.16), (-0.34, 0.68), (-0.5, 0.68), (-0.42, 0.1))
        plane: Corners = ((-0.5, 0.14), (-0.82, 0.36), (-0.93, 0.35), (-0.86, 0.13))
        fin: Corners = ((-0.42, 0.15), (-0.7, 0.21), (-0.8, 0.2), (-0.76, 0.15))
        body: Corners = (
            (1.0, 0.0),
            (0.86, 0.05),
            (0.62, 0.075),
            (0.3, 0.085),
            (-0.3, 0.07),
            (-0.8, 0.05),
            (-1.02, 0.03),
            (-1.04, 0.0),
        )
        engine: Corners = ((0.18, 0.06), (0.18, 0.16), (-0.78, 0.15), (-0.86, 0.13), (-0.86, 0.06))
    else:
        wing = ((0.3, 0.1), (0.2, 0.16), (-0.02, 0.56), (-0.16, 0.62), (-0.36, 0.6), (-0.4, 0.1))
        plane = ((-0.58, 0.14), (-0.72, 0.3), (-0.72, 0.36), (-0.96, 0.38), (-0.94, 0.14))
        fin = ((-0.46, 0.13), (-0.72, 0.16), (-0.84, 0.16), (-0.84, 0.12))
        body = (
            (1.0, 0.0),
            (0.88, 0.04),
            (0.6, 0.06),
            (0.34, 0.09),
            (-0.3, 0.1),
            (-0.74, 0.09),
            (-0.74, 0.0),
        )
        engine = ((0.38, 0.07), (0.34, 0.17), (-0.7, 0.16), (-0.88, 0.12), (-0.88, 0.01))
    shapes = []
    for part, corners, colour in (
        ("wing", wing, grey),
        ("tail", plane, tinted(grey, -8)),
        ("fuselage", engine, tinted(grey, -22)),
        ("fuselage", body, tinted(grey, 8)),
        ("tail", fin, tinted(grey, 26)),
    ):
        shapes.append(Shape(part, corners, colour, (20, -14)))
        shapes.append(Shape(part, _flipped(corners), tinted(colour, -12), (10, -20)))
    for side in (1, -1):
        nozzle = -0.9 if kind == "su_27" else -0.92
        shapes.append(
            Shape(
                "fuselage",
                ellipse(nozzle, side * (0.1 if kind == "su_27" else 0.065), 0.035, 0.048, 12),
                (52, 46, 44),
            )
        )
        shapes.append(Shape("wing", line(-0.33, side * 0.16, -0.36, side * 0.5, 0.016), dark))
    if kind == "su_27":
        shapes += [
            Shape("wing", ellipse(-0.2, side * 0.34, 0.16, 0.1, 9), dark, detail=True)
            for side in (1, -1)
        ]
        shapes.append(Shape("fuselage", (*body[:2], (0.86, -0.05)), tinted(grey, 74)))
        shapes.append(Shape("fuselage", ellipse(-0.1, 0.0, 0.2, 0.07, 12), dark, detail=True))
    else:
        shapes += [
            Shape("tail", box(-0.8, side * 0.3 - 0.06, -0.74, side * 0.3 + 0.06), (196, 60, 48))
            for side in (1, -1)
        ]
    shapes.append(Shape("cockpit", ellipse(0.62, 0.0, 0.13, 0.042, 16), (38, 58, 84), (60, -20)))
    return shapes


def build_helicopter(kind: str, stream: RandomStream) -> list[Shape]:
    """Return the shapes of a helicopter seen from the side, nose to the right.

    Args:
        kind: ``mi_24`` or ``ah_64``.
        stream: Source of paint and of the rotor's position.

    Returns:
        Shapes in painting order.
    """
    green = tinted((96, 106, 80), stream.integer(-22, 26))
    sweep = stream.between(0.7, 1.0)
    tilt = stream.between(-0.04, 0.04)
    hub = (0.12, 0.42) if kind == "mi_24" else (0.1, 0.44)
    body = _hind(green) if kind == "mi_24" else _apache(green)
    shapes = [Shape("rotor", line(*hub, hub[0], 0.28, 0.07), tinted(green, -30)), *body]
    blades = (1.0, 0.62, 0.28) if kind == "mi_24" else (0.9, 0.4)
    for i, length in enumerate(blades):
        drop = tilt + 0.02 * i
        blade = line(
            hub[0] - length * sweep, hub[1] - drop, hub[0] + length * sweep, hub[1] + drop, 0.022
        )
        shapes.append(Shape("rotor", blade, (58, 58, 56), opacity=210))
    shapes.append(Shape("rotor", ellipse(*hub, 0.06, 0.035, 10), (70, 70, 66)))
    return shapes


def _hind(green: Colour) -> list[Shape]:
    """Return a bulky body with two bubble canopies, drooping stub wings and wheels down."""
    glass: Colour = (74, 104, 124)
    return [
        Shape(
            "tail", ((-0.24, 0.2), (-0.94, 0.13), (-0.96, 0.06), (-0.2, -0.06)), green, (16, -26)
        ),
        Shape(
            "tail",
            ((-0.86, 0.1), (-1.06, 0.42), (-0.97, 0.43), (-0.74, 0.13)),
            tinted(green, 8),
            (16, -16),
        ),
        Shape("tail", ellipse(-0.98, 0.34, 0.13, 0.13, 16), (80, 80, 76), opacity=130),
        Shape(
            "fuselage",
            (
                (-0.34, 0.18),
                (-0.2, 0.32),
                (0.3, 0.33),
                (0.44, 0.22),
                (0.72, 0.06),
                (0.84, -0.06),
                (0.74, -0.16),
                (0.1, -0.2),
                (-0.26, -0.1),
            ),
            green,
            (30, -38),
        ),
        Shape(
            "fuselage",
            ((-0.14, 0.3), (-0.08, 0.38), (0.26, 0.38), (0.38, 0.28)),
            tinted(green, -14),
            (16, -8),
        ),
        Shape("cockpit", ellipse(0.47, 0.15, 0.12, 0.115, 18), glass, (70, -20)),
        Shape("cockpit", ellipse(0.69, 0.03, 0.12, 0.1, 18), glass, (70, -20)),
        Shape("fuselage", box(-0.06, -0.02, 0.3, 0.07), tinted(green, -44)),
        Shape(
            "wing",
            ((-0.2, 0.1), (-0.3, -0.14), (-0.08, -0.16), (0.1, 0.1)),
            tinted(green, 14),
            (14, -18),
        ),
        Shape("wing", ellipse(-0.16, -0.19, 0.2, 0.05, 14), tinted(green, -30), (20, -20)),
        Shape("fuselage", line(0.62, -0.15, 0.64, -0.27, 0.03), (60, 60, 58)),
        Shape("fuselage", ellipse(0.64, -0.28, 0.05, 0.05, 10), (40, 40, 40)),
        Shape("fuselage", ellipse(0.02, -0.26, 0.065, 0.065, 10), (40, 40, 40)),
    ]


def _apache(green: Colour) -> list[Shape]:
    """Return a lean body with a stepped flat canopy, a chin gun and a tail wheel."""
    glass: Colour = (66, 88, 100)
    return [
        Shape("tail", ((-0.16, 0.2), (-0.9, 0.1), (-0.92, 0.02), (-0.12, -0.04)), green, (16, -26)),
        Shape(
            "tail",
            ((-0.84, 0.08), (-0.98, 0.36), (-0.86, 0.37), (-0.72, 0.1)),
            tinted(green, 8),
            (16, -16),
        ),
        Shape("tail", box(-1.0, 0.0, -0.74, 0.035), tinted(green, 10)),
        Shape("tail", ellipse(-0.92, 0.27, 0.12, 0.12, 16), (80, 80, 76), opacity=120),
        Shape("tail", line(-0.84, 0.04, -0.88, -0.16, 0.026), (60, 60, 58)),
        Shape("tail", ellipse(-0.88, -0.18, 0.04, 0.04, 10), (40, 40, 40)),
        Shape(
            "fuselage",
            (
                (-0.26, 0.16),
                (-0.16, 0.28),
                (0.22, 0.28),
                (0.36, 0.2),
                (0.84, 0.02),
                (0.86, -0.07),
                (0.3, -0.13),
                (-0.2, -0.08),
            ),
            green,
            (28, -36),
        ),
        Shape("fuselage", box(-0.14, 0.2, 0.2, 0.34), tinted(green, -12), (22, -20)),
        Shape("cockpit", ((0.24, 0.16), (0.28, 0.3), (0.44, 0.29), (0.52, 0.12)), glass, (70, -16)),
        Shape("cockpit", ((0.52, 0.09), (0.54, 0.2), (0.64, 0.18), (0.76, 0.05)), glass, (70, -16)),
        Shape("fuselage", ellipse(0.88, -0.02, 0.06, 0.07, 12), (64, 64, 62)),
        Shape("wing", box(-0.12, 0.0, 0.16, 0.05), tinted(green, 20)),
        Shape("wing", box(-0.14, -0.1, 0.14, 0.0), tinted(green, -34), (16, -16)),
        Shape("fuselage", line(0.56, -0.12, 0.84, -0.19, 0.03), (44, 44, 44)),
        Shape("fuselage", line(0.3, -0.12, 0.38, -0.26, 0.036), (64, 64, 60)),
        Shape("fuselage", ellipse(0.39, -0.28, 0.065, 0.065, 12), (40, 40, 40)),
    ]


def _flipped(corners: Corners) -> Corners:
    """Mirror a half of the plane to the other side of its axis."""
    return tuple((x, -y) for x, y in corners)
