"""Aircraft carriers with a ski-jump: look-alikes that differ in bow, island, mast and markings."""

from dataclasses import dataclass

from tasks.demo.raster import Colour
from tasks.demo.shapes import Corners, Shape, box, ellipse, line, tinted
from tasks.demo.stream import RandomStream

DECK_LINE = 0.17
DECK_DEPTH = 0.07

SEGMENTS = {
    "top": box(0, 0.8, 1, 1),
    "middle": box(0, 0.4, 1, 0.6),
    "bottom": box(0, 0, 1, 0.2),
    "upper_left": box(0, 0.5, 0.25, 1),
    "upper_right": box(0.75, 0.5, 1, 1),
    "lower_left": box(0, 0, 0.25, 0.5),
    "lower_right": box(0.75, 0, 1, 0.5),
}
DIGITS = {
    "0": ("top", "bottom", "upper_left", "upper_right", "lower_left", "lower_right"),
    "1": ("upper_right", "lower_right"),
    "3": ("top", "middle", "bottom", "upper_right", "lower_right"),
    "6": ("top", "middle", "bottom", "upper_left", "lower_left", "lower_right"),
    "7": ("top", "upper_right", "lower_right"),
}


@dataclass(frozen=True)
class CarrierForm:
    """What tells one carrier from another.

    Attributes:
        jump: Rise of the ski-jump's lip above the deck, units.
        rake: How far the waterline stays behind the lip, units.
        number: Hull number.
        stripe: Colour of the landing stripe.
    """

    jump: float
    rake: float
    number: str
    stripe: Colour


FORMS = {
    "type_001": CarrierForm(0.13, 0.20, "16", (222, 206, 120)),
    "type_002": CarrierForm(0.06, 0.12, "17", (226, 228, 226)),
    "kuznetsov": CarrierForm(0.21, 0.34, "063", (214, 150, 110)),
}


def build_carrier(kind: str, stream: RandomStream) -> list[Shape]:
    """Return the shapes of a carrier seen from the side and a little above.

    Args:
        kind: ``type_001``, ``type_002`` or ``kuznetsov``.
        stream: Source of paint, aircraft and small differences between sister images.

    Returns:
        Shapes in painting order; the waterline is y = 0.
    """
    form = FORMS[kind]
    base = stream.integer(112, 158)
    grey = (base - stream.integer(0, 12), base, base + stream.integer(0, 10))
    lip = DECK_LINE + form.jump
    ramp: Corners = (
        (0.60, DECK_LINE),
        (0.74, DECK_LINE + 0.16 * form.jump),
        (0.87, DECK_LINE + 0.52 * form.jump),
        (1.0, lip),
    )
    far = tuple((x - 0.05, y + DECK_DEPTH) for x, y in reversed(ramp))
    shapes = [
        Shape(
            "hull",
            ((-0.92, -0.01), (-0.99, 0.10), (-1.0, DECK_LINE), (0.6, DECK_LINE), (0.66, -0.01)),
            grey,
            (18, -34),
        ),
        Shape(
            "bow",
            ((0.6, -0.01), *ramp, (1.0 - form.rake * 0.5, 0.07), (1.0 - form.rake, -0.01)),
            tinted(grey, 6),
            (24, -30),
        ),
        Shape("hull", box(-0.94, -0.02, 0.7, 0.018), (104, 48, 44)),
        Shape(
            "deck",
            ((-1.0, DECK_LINE), (-0.93, DECK_LINE + DECK_DEPTH), *reversed(far), *reversed(ramp)),
            tinted(grey, -30),
            (20, -8),
        ),
        Shape("hull", box(-0.8, 0.125, 0.55, 0.142), tinted(grey, -42)),
    ]
    shapes += [
        Shape("deck", line(-0.9, 0.19, 0.5, 0.222, 0.012), form.stripe),
        Shape("deck", line(-0.7, 0.225, -0.2, 0.19, 0.01), (210, 210, 200)),
    ]
    for i, digit in enumerate(form.number):
        left = 0.44 + 0.068 * (i - len(form.number) / 2)
        for name in DIGITS[digit]:
            corners = tuple((left + 0.05 * u, 0.04 + 0.078 * v) for u, v in SEGMENTS[name])
            shapes.append(Shape("hull", corners, (224, 226, 224), legible_about=0.44))
    shapes += _islands(kind, tinted(grey, stream.integer(6, 16)))
    shapes += _aircraft(stream)
    return shapes


def _islands(kind: str, grey: Colour) -> list[Shape]:
    """Return the superstructure: one block, a stepped tower, or a drum under a tall mast."""
    dark, pale = tinted(grey, -62), tinted(grey, 34)
    foot = DECK_LINE + 0.04
    if kind == "type_001":
        block = ((-0.16, foot), (-0.14, 0.47), (0.24, 0.47), (0.30, foot))
        panel = ((0.07, 0.29), (0.10, 0.375), (0.18, 0.375), (0.21, 0.29))
        funnel = ((-0.12, 0.47), (-0.11, 0.57), (0.0, 0.57), (0.01, 0.47))
        return [
            Shape("island", block, grey, (24, -20)),
            Shape("island", box(-0.11, 0.405, 0.25, 0.44), dark),
            Shape("island", panel, dark),
            Shape("island", funnel, tinted(grey, -30), (12, -12)),
            Shape("island", line(0.14, 0.47, 0.14, 0.6, 0.045), grey),
            Shape("island", box(0.06, 0.53, 0.22, 0.57), dark),
        ]
    if kind == "type_002":
        base = ((0.14, foot), (0.16, 0.33), (0.46, 0.33), (0.5, foot))
        step = ((0.22, 0.33), (0.23, 0.44), (0.37, 0.44), (0.39, 0.33))
        return [
            Shape("island", base, grey, (18, -20)),
            Shape("island", step, grey, (20, -10)),
            Shape("island", box(0.17, 0.285, 0.47, 0.31), dark),
            Shape("island", box(0.24, 0.38, 0.375, 0.41), dark),
            Shape("island", line(0.255, 0.44, 0.255, 0.62, 0.028), tinted(grey, -20)),
            Shape("island", ellipse(0.34, 0.51, 0.07, 0.075, 14), pale, (16, -30)),
        ]
    base = ((-0.42, foot), (-0.40, 0.36), (-0.08, 0.36), (0.02, foot))
    funnel = ((-0.41, 0.36), (-0.50, 0.51), (-0.36, 0.51), (-0.28, 0.36))
    return [
        Shape("island", base, grey, (18, -22)),
        Shape("island", box(-0.37, 0.305, -0.06, 0.335), dark),
        Shape("island", funnel, tinted(grey, -52), (0, -10)),
        Shape("island", box(-0.26, 0.36, -0.06, 0.46), pale, (10, -26)),
        Shape("island", box(-0.285, 0.45, -0.035, 0.475), dark),
        Shape("island", line(-0.16, 0.47, -0.16, 0.80, 0.034), tinted(grey, -24)),
        Shape("island", box(-0.27, 0.60, -0.05, 0.63), tinted(grey, -30)),
        Shape("island", box(-0.23, 0.70, -0.09, 0.725), tinted(grey, -30)),
        Shape("deck", box(0.30, 0.18, 0.56, 0.212), (48, 50, 54)),
    ]


def _aircraft(stream: RandomStream) -> list[Shape]:
    """Return parked aircraft, as many and where chance has it."""
    shapes = []
    for _ in range(stream.integer(1, 5)):
        x = stream.between(-0.85, 0.55)
        tone = stream.integer(150, 190)
        colour = (tone - 20, tone, tone + 8)
        shapes.append(
            Shape(
                "deck",
                (
                    (x - 0.07, 0.2),
                    (x - 0.06, 0.262),
                    (x - 0.035, 0.225),
                    (x + 0.03, 0.228),
                    (x + 0.09, 0.205),
                ),
                colour,
                (16, -30),
            )
        )
    return shapes
