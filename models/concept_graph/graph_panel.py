"""One class graph in one panel: concepts as example crops, dependencies as arrows.

Faint automatic edges are left out of the picture, not of the graph.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Rectangle
from numpy.typing import NDArray

from models.concept_graph.graph_view import ClassGraphView, ConceptNode, DependencyEdge
from models.figure_style import (
    ADDED,
    FAINT,
    GRID,
    HEADING,
    INK,
    MUTED,
    OPPOSES,
    PAPER,
    REMOVED,
    SMALL,
    SUPPORTS,
    percent,
    printable,
    quiet_axes,
    text_style,
)

GROUND = "#F8F9FA"
WIDEST_EDGE = 5.5
"""Points."""
HALF_PANEL = 1.62
"""Half of a panel's height in the units of the layout."""
BEND = 0.16
"""Bow of an arrow as a share of its length; the two directions of a pair bow apart."""


def draw_class_graph(axes: Axes, view: ClassGraphView, stage: str, prune_below: float) -> None:
    """Draw one class graph into an axes.

    Arrows are as wide as the size of the dependency's mean contribution and coloured by its sign.

    Args:
        axes: Where to draw; its limits, ticks and title are set.
        view: The graph.
        stage: Word after the class's name, e.g. ``before``; may be empty.
        prune_below: Automatic edges smaller than this share of the largest are not drawn.
    """
    axes.set_axis_on()
    quiet_axes(axes)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_facecolor(GROUND)
    # Margins on the left and right are for the text under the outer nodes.
    box = axes.get_window_extent()
    aspect = box.width / box.height
    axes.set_xlim(-HALF_PANEL * aspect, HALF_PANEL * aspect)
    axes.set_ylim(-HALF_PANEL, HALF_PANEL)
    limit = 18 if stage and view.note else 26
    heading = printable(view.class_name, limit) + (f"  ·  {stage}" if stage else "")
    axes.set_title(heading, loc="left", pad=5, weight="bold", **text_style(HEADING))
    if view.note:
        axes.text(
            0.985, 1.022, printable(view.note, 40), transform=axes.transAxes, ha="right",
            **text_style(SMALL, MUTED),
        )  # fmt: skip
    places, half = _places(len(view.nodes), stretch=min(max(aspect, 1.0), 1.35))
    points_per_unit = box.height / (2 * HALF_PANEL) * 72 / axes.figure.dpi
    largest = max((abs(e.contribution) for e in view.edges if e.state != "removed"), default=0.0)
    for edge in sorted(view.edges, key=lambda e: abs(e.contribution)):
        share = abs(edge.contribution) / largest if largest > 0 else 0.0
        if edge.state != "auto" or (largest > 0 and share >= prune_below):
            _draw_edge(axes, edge, places, share, half=half, points_per_unit=points_per_unit)
    strongest = max((abs(node.contribution) for node in view.nodes), default=0.0)
    for node, place in zip(view.nodes, places, strict=True):
        _draw_node(axes, node, place, half, strongest)


def _places(n_nodes: int, *, stretch: float) -> tuple[list[tuple[float, float]], float]:
    """Return centres on an ellipse, clockwise from the top left, and half a crop's side."""
    start = {1: 90.0, 2: 180.0, 3: 90.0}.get(n_nodes, 90.0 + 180.0 / n_nodes)
    angles = [np.deg2rad(start - 360.0 * k / n_nodes) for k in range(n_nodes)]
    radius_x = {2: 0.95, 3: 1.1, 4: 1.36}.get(n_nodes, 1.2)
    radius_y = {3: 0.85, 4: 1.05, 5: 0.93}.get(n_nodes, 1.0)
    half = {1: 0.5, 2: 0.46, 3: 0.38, 4: 0.36, 5: 0.3, 6: 0.26}.get(n_nodes, 1.5 / n_nodes)
    radius_x *= stretch
    # Odd graphs do not fill their ellipse evenly.
    lift = {3: -0.15, 5: 0.07}.get(n_nodes, 0.0)
    return [(radius_x * np.cos(a), radius_y * np.sin(a) + lift) for a in angles], float(half)


def _draw_edge(
    axes: Axes,
    edge: DependencyEdge,
    places: list[tuple[float, float]],
    share: float,
    *,
    half: float,
    points_per_unit: float,
) -> None:
    start, end = np.array(places[edge.source]), np.array(places[edge.target])
    colour = {
        "removed": REMOVED,
        "added": ADDED,
        "auto": SUPPORTS if edge.contribution >= 0 else OPPOSES,
    }[edge.state]
    width = 1.6 if edge.state == "removed" else max(0.7, WIDEST_EDGE * share)
    if edge.state == "added":
        width = max(width, 2.2)
    axes.add_patch(
        FancyArrowPatch(
            tuple(start),
            tuple(end),
            connectionstyle=f"arc3,rad={BEND}",
            arrowstyle=f"-|>,head_length={4 + width * 0.8},head_width={2 + width * 0.45}",
            mutation_scale=1,
            shrinkA=_to_border(end - start, half) * points_per_unit + 3,
            shrinkB=_to_border(start - end, half, bend=-BEND) * points_per_unit + 4,
            linewidth=width,
            color=colour,
            alpha=1.0 if edge.state != "auto" else 0.35 + 0.55 * share,
            linestyle=(0, (4, 3)) if edge.state == "removed" else "solid",
            joinstyle="miter",
            zorder=2 + share,
        )
    )
    if edge.state != "auto":
        # Half way to the arc's control point, which lies to the right of the way.
        across = np.array([end[1] - start[1], start[0] - end[0]])
        middle = (start + end) / 2 + BEND / 2 * across
        axes.text(
            middle[0], middle[1], "×" if edge.state == "removed" else "+", ha="center", va="center",
            weight="bold", zorder=6, **text_style(HEADING, colour),
            bbox={"boxstyle": "circle,pad=0.12", "facecolor": PAPER, "edgecolor": colour},
        )  # fmt: skip


def _draw_node(
    axes: Axes, node: ConceptNode, place: tuple[float, float], half: float, strongest: float
) -> None:
    x, y = place
    frame, width = FAINT, 1.5
    if strongest > 0 and node.contribution != 0:
        frame = SUPPORTS if node.contribution > 0 else OPPOSES
        width = 1.5 + 3.5 * abs(node.contribution) / strongest
    if node.is_new:
        frame, width = ADDED, 4.0
    axes.add_patch(Rectangle((x - half, y - half), 2 * half, 2 * half, facecolor=GRID, zorder=4))
    if node.crop is not None:
        axes.imshow(
            node.crop,
            extent=(x - half, x + half, y - half, y + half),
            aspect="auto",
            interpolation="bilinear",
            zorder=4.2,
        )
    axes.add_patch(
        Rectangle(
            (x - half, y - half), 2 * half, 2 * half, fill=False, edgecolor=frame,
            linewidth=width, joinstyle="round", zorder=5,
        )
    )  # fmt: skip
    # Captions stand on the outer side, away from the arrows.
    outward = 1 if y > 0.3 else -1
    has_badge = _known(node.background_share)
    axes.text(
        x, y + outward * (half + (0.11 if has_badge else 0.06)), _caption(node, half),
        ha="center", va="bottom" if outward > 0 else "top", linespacing=1.25, zorder=7,
        bbox={"boxstyle": "square,pad=0.06", "facecolor": GROUND, "edgecolor": "none",
              "alpha": 0.75},
        **text_style(SMALL - 0.6),
    )  # fmt: skip
    if has_badge:
        is_bad = (node.background_share or 0.0) >= 0.5
        word = "out" if half < 0.25 else "outside gate"
        axes.text(
            x, y + outward * half, f"{word} {percent(node.background_share)}",
            ha="center", va="center", zorder=8, weight="bold" if is_bad else "normal",
            bbox={"boxstyle": "round,pad=0.22", "facecolor": INK if is_bad else PAPER,
                  "edgecolor": INK if is_bad else FAINT, "linewidth": 0.8},
            **text_style(SMALL - 1.2, PAPER if is_bad else MUTED),
        )  # fmt: skip


def _to_border(way: NDArray[np.float64], half: float, bend: float = BEND) -> float:
    """Return the distance from a square's centre to its border along an arc that leaves it."""
    # Towards the control point of matplotlib's arc3.
    x, y = way[0] / 2 + bend * way[1], way[1] / 2 - bend * way[0]
    return float(half * np.hypot(x, y) / max(abs(x), abs(y), 1e-9))


def _known(value: float | None) -> bool:
    return value is not None and value == value


def _caption(node: ConceptNode, half: float) -> str:
    name = printable(node.concept_id.rsplit("/", 1)[-1], 16) + ("  (new)" if node.is_new else "")
    found = "" if node.detection_rate is None else f"found in {percent(node.detection_rate)}"
    if not _known(node.tcav_score):
        return f"{name}\n{found}".rstrip()
    score = f"TCAV {node.tcav_score:.2f}"
    if half < 0.25:
        return f"{name}\n{score}"
    if node.tcav_low is not None and node.tcav_high is not None:
        if half < 0.33:
            score += f" ±{(node.tcav_high - node.tcav_low) / 2:.2f}"
        else:
            score += f" [{node.tcav_low:.2f}, {node.tcav_high:.2f}]"
    return f"{name}\n{score}\n{found}".rstrip()
