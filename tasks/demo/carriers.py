"""Aircraft carriers with a ski-jump: look-alikes that differ in bow, island, mast and markings."""

from dataclasses import dataclass

from tasks.demo.raster import Colour
from tasks.demo.shapes import Corners, Shape, box, ellipse, line, tinted
from tasks.demo.stream import RandomStream

DECK_LINE = 0.17
DECK_DEPTH = 0.09

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
    "type_001": CarrierForm(0.13, 0.22, "16", (222, 206, 120)),
    "type_002": CarrierForm(0.08, 0.15, "17", (226, 228, 226)),
    "kuznetsov": CarrierForm(0.19, 0.3, "063", (214, 150, 110)),
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
        Shape("deck", line(-0.9, 0.19, 0.56, 0.235, 0.022), form.stripe),
        Shape("deck", line(-0.7, 0.245, -0.2, 0.19, 0.014), (210, 210, 200)),
    ]
    for i, digit in enumerate(form.number):
        left = 0.4 + 0.1 * (i - len(form.number) / 2)
        for name in DIGITS[digit]:
            corners = tuple((left + 0.074 * u, 0.03 + 0.09 * v) for u, v in SEGMENTS[name])
            shapes.append(Shape("hull", corners, (224, 226, 224), legible_about=0.4))
    shapes += _islands(kind, tinted(grey, stream.integer(6, 16)))
    shapes += _aircraft(stream)
    return shapes


def _islands(kind: str, grey: Colour) -> list[Shape]:
    """Return the superstructure: one block, a stepped tower, or a drum under a tall mast."""
    dark, pale = tinted(grey, -62), tinted(grey, 34)
    foot = DECK_LINE + 0.05
    if kind == "type_001":
        block = ((-0.176, foot), (-0.147, 0.468), (0.218, 0.468), (0.276, foot))
        panel = ((0.057, 0.264), (0.079, 0.373), (0.167, 0.373), (0.203, 0.264))
        funnel = ((-0.133, 0.468), (-0.118, 0.57), (0.014, 0.57), (0.028, 0.468))
        return [
            Shape("island", block, grey, (24, -20)),
            Shape("island", box(-0.125, 0.402, 0.225, 0.439), dark),
            Shape("island", panel, dark),
            Shape("island", funnel, tinted(grey, -30), (12, -12)),
            Shape("island", line(0.123, 0.468, 0.123, 0.614, 0.048), grey),
            Shape("island", box(0.035, 0.534, 0.211, 0.578), dark),
        ]
    if kind == "type_002":
        base = ((0.05, foot), (0.072, 0.351), (0.401, 0.351), (0.444, foot))
        step = ((0.123, 0.351), (0.138, 0.454), (0.328, 0.454), (0.357, 0.351))
        return [
            Shape("island", base, grey, (18, -20)),
            Shape("island", step, grey, (20, -10)),
            Shape("island", box(0.087, 0.3, 0.408, 0.33), dark),
            Shape("island", box(0.152, 0.395, 0.342, 0.424), dark),
            Shape("island", line(0.145, 0.454, 0.145, 0.614, 0.027), tinted(grey, -20)),
            Shape("island", ellipse(0.255, 0.527, 0.088, 0.08, 18), pale, (16, -30)),
        ]
    base = ((-0.422, foot), (-0.393, 0.351), (-0.058, 0.351), (0.016, foot))
    funnel = ((-0.393, 0.351), (-0.495, 0.497), (-0.342, 0.497), (-0.262, 0.351))
    return [
        Shape("island", base, grey, (18, -22)),
        Shape("island", box(-0.364, 0.293, -0.043, 0.322), dark),
        Shape("island", funnel, tinted(grey, -62), (0, -10)),
        Shape("island", box(-0.218, 0.351, -0.043, 0.446), pale, (10, -26)),
        Shape("island", box(-0.24, 0.439, -0.021, 0.465), dark),
        Shape("island", line(-0.131, 0.454, -0.131, 0.702, 0.036), tinted(grey, -24)),
        Shape("island", box(-0.233, 0.541, -0.028, 0.57), tinted(grey, -34)),
        Shape("island", box(-0.204, 0.622, -0.058, 0.647), tinted(grey, -34)),
        Shape("deck", box(0.22, 0.18, 0.56, 0.225), (48, 50, 54)),
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
