"""Class graphs as pictures: concepts as example crops, dependencies as arrows.

Lays panels out on a page; what stands in a panel is drawn in ``graph_panel.py``.
"""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from models.concept_graph.graph_panel import draw_class_graph
from models.concept_graph.graph_view import ClassGraphView
from models.figure_style import (
    ADDED,
    INK,
    OPPOSES,
    PAPER,
    REMOVED,
    SMALL,
    SUPPORTS,
    add_heading,
    families,
    new_figure,
)

MAX_COLUMNS = 3
PANEL_HEIGHT = 4.35


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
        prune_below: Automatic edges smaller than this share of the panel's largest are not drawn.

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
    # Four stand better two by two than three and one.
    n_columns = 2 if len(views) == 4 else min(len(views), MAX_COLUMNS)
    n_blocks = -(-len(views) // n_columns)
    n_rows = n_blocks * len(layers)
    top = 1.15 if note else 0.9
    figure = new_figure(top + 0.15 + PANEL_HEIGHT * n_rows)
    add_heading(figure, title, note)
    height = figure.get_size_inches()[1]
    panels = figure.subplots(
        n_rows,
        n_columns,
        squeeze=False,
        gridspec_kw={
            "left": 0.012,
            "right": 0.988,
            "top": 1 - top / height,
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
            draw_class_graph(panels[row][position % n_columns], view, stage, prune_below)
    _legend(figure, has_edits=after is not None or _has_edits(views))
    return figure


def _has_edits(views: Sequence[ClassGraphView]) -> bool:
    return any(
        any(edge.state != "auto" for edge in view.edges) or any(node.is_new for node in view.nodes)
        for view in views
    )


def _legend(figure: Figure, *, has_edits: bool) -> None:
    handles = [
        Line2D([], [], color=SUPPORTS, linewidth=4, label="supports the class"),
        Line2D([], [], color=OPPOSES, linewidth=4, label="opposes it"),
    ]
    if has_edits:
        handles += [
            Line2D([], [], color=REMOVED, linewidth=2, linestyle="--", label="× edge removed"),
            Line2D([], [], color=ADDED, linewidth=3, label="+ edge or concept added"),
        ]
    handles.append(
        Line2D([], [], color=PAPER, label="width of arrow and frame: size of the mean contribution")
    )
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
