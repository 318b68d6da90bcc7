"""Things that stand in front of the object or beside it, and belong to the background."""

from tasks.demo.raster import Canvas, Colour
from tasks.demo.shapes import Shape, box, ellipse, line, tinted
from tasks.demo.stream import RandomStream

PART = "background"


def waterline(stream: RandomStream, water: Colour) -> list[Shape]:
    """Return bow wave, foam and swell along a ship's waterline, in the ship's own coordinates."""
    shapes = []
    for _ in range(stream.integer(9, 16)):
        x = stream.between(-1.05, 0.95)
        wide, high = stream.between(0.08, 0.3), stream.between(0.012, 0.04)
        shapes.append(
            Shape(PART, ellipse(x, -0.025, wide, high, 12), tinted(water, stream.integer(0, 26)))
        )
    for _ in range(stream.integer(5, 12)):
        x = stream.between(-1.15, 0.95)
        shapes.append(
            Shape(
                PART,
                ellipse(x, -0.012, stream.between(0.03, 0.12), 0.01, 10),
                (222, 230, 234),
                opacity=170,
            )
        )
    shapes.append(
        Shape(PART, ((0.72, -0.03), (0.86, 0.03), (0.95, -0.03)), (228, 236, 240), opacity=200)
    )
    return shapes


def obstacles(stream: RandomStream, kind: str, ground: Colour) -> list[Shape]:
    """Return what partly hides the object: smoke, cloud, boats, bushes, trees or boxes.

    Args:
        stream: Source of number, place and size.
        kind: Backdrop, as in ``draw_backdrop``.
        ground: Colour of the ground or water.

    Returns:
        Shapes in the object's coordinates; empty for about two thirds of the draws.
    """
    if stream.chance(0.7):
        return []
    if kind == "sea":
        return _smoke(stream) if stream.chance(0.6) else _sail_boat(stream)
    if kind == "land":
        return stream.choice((_bushes, _tree, _smoke, _boxes))(stream)
    return _smoke(stream)


def birds(stream: RandomStream, canvas: Canvas, horizon: int) -> None:
    """Paint a few gulls into the sky."""
    side = canvas.parts.shape[1]
    if horizon < 8 or stream.chance(0.6):
        return
    for _ in range(stream.integer(1, 5)):
        x, y = stream.integer(0, side), stream.integer(0, 3 * horizon - 6)
        wing = stream.integer(5, 10)
        canvas.paint(
            [(x - wing, y - 3), (x, y + 2), (x + wing, y - 3), (x, y - 1)], (66, 68, 72), part=0
        )


def _smoke(stream: RandomStream) -> list[Shape]:
    """Return drifting puffs of smoke or low cloud."""
    x, y = stream.between(-0.7, 0.7), stream.between(0.1, 0.45)
    tone = stream.integer(150, 226)
    lean = stream.between(-0.03, 0.03)
    shapes = []
    for i in range(stream.integer(10, 22)):
        puff = ellipse(
            x + lean * i + stream.between(-0.12, 0.12),
            y + stream.between(-0.08, 0.1),
            stream.between(0.04, 0.12),
            stream.between(0.03, 0.08),
            12,
        )
        grey = tone + stream.integer(-14, 14)
        shapes.append(
            Shape(PART, puff, (grey, grey, grey), (8, -8), opacity=stream.integer(36, 90))
        )
    return shapes


def _sail_boat(stream: RandomStream) -> list[Shape]:
    """Return a small boat in front of the hull."""
    x = stream.between(-0.8, 0.5)
    return [
        Shape(
            PART,
            ((x - 0.1, -0.03), (x - 0.13, 0.02), (x + 0.13, 0.025), (x + 0.08, -0.03)),
            (120, 84, 60),
            (14, -14),
        ),
        Shape(
            PART, ((x - 0.01, 0.03), (x - 0.01, 0.28), (x + 0.11, 0.05)), (232, 230, 222), (8, -14)
        ),
    ]


def _bushes(stream: RandomStream) -> list[Shape]:
    """Return shrubs before the tracks."""
    shapes = []
    for _ in range(stream.integer(2, 4)):
        x = stream.between(-1.0, 1.0)
        green = (70 + stream.integer(-14, 24), 92 + stream.integer(-14, 20), 50)
        for _ in range(4):
            leaf = ellipse(
                x + stream.between(-0.1, 0.1), stream.between(-0.05, 0.12), 0.08, 0.09, 9
            )
            shade = tinted(green, stream.integer(-14, 14))
            shapes += [Shape(PART, leaf, shade, (14, -20))]
    return shapes


def _tree(stream: RandomStream) -> list[Shape]:
    """Return a trunk with a crown above the object."""
    x = stream.between(-0.9, 0.9)
    crown = (58, 82, 46)
    return [
        Shape(PART, line(x, -0.1, x, 0.8, 0.07), (84, 64, 48)),
        *[
            Shape(
                PART,
                ellipse(
                    x + stream.between(-0.16, 0.16), 0.8 + stream.between(-0.1, 0.2), 0.17, 0.14, 11
                ),
                tinted(crown, stream.integer(-12, 20)),
                (16, -20),
            )
            for _ in range(6)
        ],
    ]


def _boxes(stream: RandomStream) -> list[Shape]:
    """Return crates or concrete blocks."""
    x = stream.between(-0.9, 0.7)
    tone = (140 + stream.integer(-24, 24), 130, 112)
    return [
        Shape(PART, box(x, -0.08, x + 0.2, 0.14), tone, (14, -24)),
        Shape(PART, box(x + 0.16, -0.1, x + 0.34, 0.08), tinted(tone, -16), (14, -24)),
    ]
