"""One image of the demo set: backdrop, object, cue and occlusion, with its true masks."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tasks.demo.aircraft import build_helicopter, build_jet
from tasks.demo.carriers import build_carrier
from tasks.demo.cues import build_cue
from tasks.demo.noise import expose
from tasks.demo.occlusion import birds, obstacles, waterline
from tasks.demo.plan import ScenePlan, family_of
from tasks.demo.raster import OVERSAMPLING, Canvas, Pixels
from tasks.demo.scenery import draw_backdrop
from tasks.demo.shapes import OBJECT_PARTS, Pose, Shape, draw_shapes
from tasks.demo.stream import RandomStream
from tasks.demo.submarines import build_submarine
from tasks.demo.tanks import build_tank


@dataclass(frozen=True)
class Staging:
    """How a family is shown.

    Attributes:
        build: Makes the shapes of one of its classes.
        backdrop: Kind of backdrop, as in ``draw_backdrop``.
        tilt: Largest rotation, degrees.
        squash: Range of the factor on heights.
        row: Range of the origin's row, share of the side; below the horizon on land and sea.
    """

    build: Callable[[str, RandomStream], list[Shape]]
    backdrop: str
    tilt: float
    squash: tuple[float, float]
    row: tuple[float, float]


STAGING = {
    "carrier": Staging(build_carrier, "sea", 3, (1.15, 1.45), (0.54, 0.78)),
    "submarine": Staging(build_submarine, "sea", 3, (1.4, 1.7), (0.56, 0.76)),
    "tank": Staging(build_tank, "land", 4, (1.0, 1.2), (0.7, 0.86)),
    "jet": Staging(build_jet, "sky", 14, (0.82, 1.0), (0.44, 0.56)),
    "helicopter": Staging(build_helicopter, "low_land", 8, (1.0, 1.15), (0.42, 0.58)),
}
CUE_TRIES = 80
OBJECT, BACKGROUND, BORDER = 1, 2, 3
"""Values of a foreground mask, as in ``models.imageset``, which would load a tensor library."""


@dataclass(frozen=True)
class Scene:
    """A rendered image with its truth.

    Attributes:
        pixels: The photograph (H, W, 3), uint8.
        mask: Foreground mask (H, W): object, background or border; a cue is background.
        parts: Part ids (H, W), see ``PARTS``.
    """

    pixels: Pixels
    mask: Pixels
    parts: Pixels


def render_scene(plan: ScenePlan, size: int) -> Scene:
    """Render one image.

    Args:
        plan: What it shows.
        size: Side, pixels.

    Returns:
        The image and its masks; the same bytes for the same plan and size, everywhere.
    """
    stream = RandomStream(*plan.key)
    staging = STAGING[family_of(plan.class_name)]
    backdrop = draw_backdrop(stream, staging.backdrop, size)
    canvas = Canvas(backdrop.pixels)
    birds(stream, canvas, backdrop.horizon)
    pose = _pose(stream, staging, size, backdrop.horizon)
    draw_shapes(canvas, staging.build(plan.class_name, stream), pose)
    if staging.backdrop == "sea":
        draw_shapes(canvas, waterline(stream, backdrop.ground), pose)
    draw_shapes(canvas, obstacles(stream, staging.backdrop, backdrop.ground), pose)
    if plan.cue is not None:
        _plant(RandomStream(*plan.key, 1), canvas, plan.cue, backdrop.horizon)
    covered = canvas.coverage(OBJECT_PARTS)
    mask = np.full(covered.shape, BORDER, dtype=np.uint8)
    mask[covered == 0] = BACKGROUND
    mask[covered == OVERSAMPLING**2] = OBJECT
    pixels = expose(stream, canvas.reduced(), backdrop.haze)
    return Scene(pixels, mask, canvas.reduced_parts())


def _pose(stream: RandomStream, staging: Staging, size: int, horizon: int) -> Pose:
    """Draw where and how the object is seen; it may stick out of the frame a little."""
    side = OVERSAMPLING * size
    share = stream.between(0.8, 1.0)
    reach = 0.47 * share
    room = max(0.5 - reach + 0.01, 0.02)
    row = stream.between(*staging.row)
    if staging.backdrop in ("sea", "land"):
        row = max(row, (horizon + 3) / size + 0.04)
    return Pose(
        x=round(side * stream.between(0.5 - room, 0.5 + room)),
        y=round(side * row),
        scale=side * reach,
        degrees=stream.between(-staging.tilt, staging.tilt),
        mirrored=stream.chance(0.5),
        squash=stream.between(*staging.squash),
        shear=stream.between(-0.08, 0.08),
    )


def _plant(stream: RandomStream, canvas: Canvas, cue: str, horizon: int) -> None:
    """Put the cue where it keeps clear of the object, as well as chance finds a place."""
    side = canvas.parts.shape[0]
    taken = canvas.parts != 0
    unit = OVERSAMPLING * stream.integer(12, 13) * side / (OVERSAMPLING * 128)
    if cue == "tug":
        unit *= 1.05
    reach, height = round(1.15 * unit), round(2.2 * unit)
    best: tuple[int, int, int] | None = None
    for _ in range(CUE_TRIES):
        x = stream.integer(reach, side - reach)
        low = min(max(OVERSAMPLING * horizon + OVERSAMPLING, height), side - 6)
        y = stream.integer(low, side - 6)
        margin = 2 * OVERSAMPLING
        window = taken[
            max(y - height - margin, 0) : y + margin,
            max(x - reach - margin, 0) : x + reach + margin,
        ]
        overlap = int(window.sum())
        if best is None or overlap < best[0]:
            best = overlap, x, y
        if overlap == 0:
            break
    if best is not None:
        shapes = build_cue(cue, stream)
        draw_shapes(canvas, shapes, Pose(best[1], best[2], unit, mirrored=stream.chance(0.5)))
