"""Class graphs as pictures: concepts as example crops, dependencies as arrows.

Arrows are as wide as the mean size of the dependency's contribution and coloured by its sign. Faint automatic edges
are left out of the picture, not of the graph.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
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
    add_heading,
    families,
    new_figure,
    percent,
    printable,
    quiet_axes,
    text_style,
)

MAX_COLUMNS = 3
GROUND = "#F8F9FA"
PANEL_HEIGHT = 4.35
WIDEST_EDGE = 5.5
"""Points."""
BEND = 0.16
"""Bow of an arrow as a share of its length; the two directions of a pair bow apart."""


def class_graph_figure(
    views: Sequence[ClassGraphView],
    *,
    after: Sequence[ClassGraphView] | None = None,
    title: str = "Class graphs",
    note: str = "",
    prune_below: float = 0.05,
) -> Figure:
    """Draw class graphs side by side, three in a row, and optionally their edited forms beneath.

    Args:
        views: One graph per class.
        after: The same classes in the same order after the edit; None draws ``views`` alone.
        title: Heading of the figure.
        note: Line under the heading, e.g. the reasoner's agreement with the classifier.
        prune_below: Automatic edges whose size is below this share of the panel's largest are not drawn.

    Returns:
        A figure 1280 pixels wide.

    Raises:
        ValueError: If there is no graph, or ``after`` does not show the same classes.
    """
    if not views:
        raise ValueError("expected at least one class graph (got none)")
    names = [view.class_name for view in views]
    if after is not None and [view.class_name for view in after] != names:
        raise ValueError(
            f"expected the classes {names} after the edit too (got {[v.class_name for v in after]})"
        )
    layers = [("", views)] if after is None else [("before", views), ("after", after)]
    n_columns = min(len(views), MAX_COLUMNS)
    n_blocks = -(-len(views) // n_columns)
    n_rows = n_blocks * len(layers)
    figure = new_figure(1.3 + PANEL_HEIGHT * n_rows)
    add_heading(figure, title, note)
    height = figure.get_size_inches()[1]
    panels = figure.subplots(
        n_rows,
        n_columns,
        squeeze=False,
        gridspec_kw={
            "left": 0.012,
            "right": 0.988,
            "top": 1 - 1.15 / height,
            "bottom": 0.42 / height,
            "hspace": 0.09,
            "wspace": 0.03,
        },
    )
    for axes in panels.flat:
        axes.set_axis_off()
    for layer, (stage, shown) in enumerate(layers):
        for position, view in enumerate(shown):
            row = (position // n_columns) * len(layers) + layer
            _draw_graph(panels[row][position % n_columns], view, stage, prune_below)
    _legend(figure, has_edits=after is not None or _has_edits(views))
    return figure


def _draw_graph(axes: Axes, view: ClassGraphView, stage: str, prune_below: float) -> None:
    axes.set_axis_on()
    quiet_axes(axes)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_facecolor(GROUND)
    # Margins on the left and right are for the text under the outer nodes.
    box = axes.get_window_extent()
    ratio = box.height / box.width
    axes.set_xlim(-1.62, 1.62)
    axes.set_ylim(-1.62 * ratio, 1.62 * ratio)
    heading = printable(view.class_name, 30) + (f"  ·  {stage}" if stage else "")
    axes.set_title(heading, loc="left", pad=5, weight="bold", **text_style(HEADING))
    if view.note:
        axes.text(
            0.985, 1.022, printable(view.note, 40), transform=axes.transAxes, ha="right",
            **text_style(SMALL, MUTED),
        )  # fmt: skip
    places, half = _places(len(view.nodes))
    points_per_unit = box.width / 3.24 * 72 / axes.figure.dpi
    largest = max((abs(e.contribution) for e in view.edges if e.state != "removed"), default=0.0)
    for edge in sorted(view.edges, key=lambda e: abs(e.contribution)):
        share = abs(edge.contribution) / largest if largest > 0 else 0.0
        if edge.state != "auto" or (largest > 0 and share >= prune_below):
            _draw_edge(axes, edge, places, share, half=half, points_per_unit=points_per_unit)
    strongest = max((abs(node.contribution) for node in view.nodes), default=0.0)
    for node, place in zip(view.nodes, places, strict=True):
        _draw_node(axes, node, place, half, strongest)


def _places(n_nodes: int) -> tuple[list[tuple[float, float]], float]:
    """Return centres on an ellipse, first slot top left and then clockwise, and half a crop's side."""
    start = {1: 90.0, 2: 180.0, 3: 90.0}.get(n_nodes, 90.0 + 180.0 / n_nodes)
    angles = [np.deg2rad(start - 360.0 * k / n_nodes) for k in range(n_nodes)]
    radius_x = {2: 0.95, 3: 1.1, 4: 1.36}.get(n_nodes, 1.15)
    radius_y = {3: 0.85, 4: 1.05}.get(n_nodes, 1.0)
    half = {1: 0.5, 2: 0.46, 3: 0.38, 4: 0.36, 5: 0.3, 6: 0.28}.get(n_nodes, 1.5 / n_nodes)
    # A triangle's centre lies above the middle of its bounding box.
    lift = -0.15 if n_nodes == 3 else 0.0
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
        # Where the arc's control point pulls it: half of rad times the distance, to the right of the way.
        across = np.array([end[1] - start[1], start[0] - end[0]])
        middle = (start + end) / 2 + BEND / 2 * across
        axes.text(
            *middle, "×" if edge.state == "removed" else "+", ha="center", va="center",
            weight="bold", zorder=6, **text_style(HEADING, MUTED if edge.state == "removed" else ADDED),
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
        x, y + outward * (half + (0.11 if has_badge else 0.06)), _caption(node, is_small=half < 0.25),
        ha="center", va="bottom" if outward > 0 else "top", linespacing=1.25, zorder=7,
        bbox={"boxstyle": "square,pad=0.06", "facecolor": GROUND, "edgecolor": "none", "alpha": 0.75},
        **text_style(SMALL - 0.6),
    )  # fmt: skip
    if has_badge:
        is_bad = (node.background_share or 0.0) >= 0.5
        word = "bg" if half < 0.25 else "background"
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


def _caption(node: ConceptNode, *, is_small: bool) -> str:
    name = printable(node.concept_id.rsplit("/", 1)[-1], 16) + ("  (new)" if node.is_new else "")
    found = "" if node.detection_rate is None else f"found in {percent(node.detection_rate)}"
    if not _known(node.tcav_score):
        return f"{name}\n{found}".rstrip()
    score = f"TCAV {node.tcav_score:.2f}"
    if is_small:
        return f"{name}\n{score}"
    if node.tcav_low is not None and node.tcav_high is not None:
        score += f" [{node.tcav_low:.2f}, {node.tcav_high:.2f}]"
    return f"{name}\n{score}\n{found}".rstrip()


def _has_edits(views: Sequence[ClassGraphView]) -> bool:
    return any(edge.state != "auto" for view in views for edge in view.edges)


def _legend(figure: Figure, *, has_edits: bool) -> None:
    handles = [
        Line2D([], [], color=SUPPORTS, linewidth=4, label="supports the class"),
        Line2D([], [], color=OPPOSES, linewidth=4, label="opposes it"),
    ]
    if has_edits:
        handles += [
            Line2D(
                [], [], color=REMOVED, linewidth=2, linestyle=(0, (3, 2)), label="× edge removed"
            ),
            Line2D([], [], color=ADDED, linewidth=3, label="+ edge or concept added"),
        ]
    handles.append(Line2D([], [], color=PAPER, label="width: mean size of the contribution"))
    figure.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.012, 0.0),
        ncols=len(handles),
        frameon=False,
        prop={"family": list(families()), "size": SMALL},
        labelcolor=INK,
        handlelength=2.2,
    )
