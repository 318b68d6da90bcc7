"""Confusion among the edited classes, one panel per model on one colour scale."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from models.figure_style import (
    BODY,
    GRID,
    HEADING,
    INK,
    MUTED,
    PAGE_WIDTH,
    PAPER,
    SINGLE_WIDTH,
    SMALL,
    SUPPORTS,
    add_heading,
    new_figure,
    printable,
    quiet_axes,
    text_style,
)

_SCALE = LinearSegmentedColormap.from_list("share", [PAPER, "#CFE3F1", "#56A3D0", SUPPORTS])


@dataclass(frozen=True)
class ConfusionView:
    """One model's confusion among some classes.

    Attributes:
        name: Name of the model, e.g. ``original``.
        classes: Names of the n rows (true class).
        counts: Images (n, n), or (n, n + 1) with a last column for all other predictions.
    """

    name: str
    classes: tuple[str, ...]
    counts: NDArray[np.int64]


def confusion_figure(
    views: Sequence[ConfusionView], *, title: str = "Confusion among the edited classes"
) -> Figure:
    """Draw confusion matrices side by side, coloured by the share of each true class.

    Args:
        views: One per model, with the same classes.
        title: Heading of the figure.

    Returns:
        A figure 1280 pixels wide, or narrower for a single model.

    Raises:
        ValueError: If there is no view or a matrix does not fit its classes.
    """
    if not views:
        raise ValueError("expected at least one confusion matrix (got none)")
    for view in views:
        n = len(view.classes)
        if view.counts.shape not in ((n, n), (n, n + 1)):
            raise ValueError(
                f"expected counts ({n}, {n}) or ({n}, {n + 1}) (got {view.counts.shape})"
            )
    n = len(views[0].classes)
    width = PAGE_WIDTH if len(views) > 1 else SINGLE_WIDTH
    figure = new_figure(min(2.4 + 0.95 * n, 9.0), width=width)
    add_heading(figure, title, "rows: true class · columns: prediction · share of the row, images")
    height = figure.get_size_inches()[1]
    panels = figure.subplots(
        1,
        len(views),
        squeeze=False,
        gridspec_kw={
            "left": 1.73 / width,
            "right": 1 - 0.2 / width,
            "top": 1 - 1.25 / height,
            "bottom": 0.75 / height,
            "wspace": 0.08,
        },
    )[0]
    for column, (axes, view) in enumerate(zip(panels, views, strict=True)):
        limit = int(100 * (width - 1.93) / len(views) / view.counts.shape[1] / 7.5)
        _draw(axes, view, limit=max(limit, 6), has_names=column == 0)
    return figure


def _draw(axes: Axes, view: ConfusionView, *, limit: int, has_names: bool) -> None:
    totals = view.counts.sum(axis=1, keepdims=True)
    shares = view.counts / np.maximum(totals, 1)
    n_rows, n_columns = shares.shape
    axes.imshow(shares, cmap=_SCALE, vmin=0.0, vmax=1.0, aspect="auto")
    size = BODY if n_columns <= 5 else SMALL
    for row in range(n_rows):
        for column in range(n_columns):
            # White is read on the darkest blue only.
            colour = PAPER if shares[row, column] > 0.8 else INK
            if view.counts[row, column] == 0:
                colour = MUTED
            axes.text(
                column,
                row,
                f"{100 * shares[row, column]:.0f} %\n{view.counts[row, column]}",
                ha="center",
                va="center",
                **text_style(size, colour),
            )
    names = [printable(name, limit) for name in view.classes]
    columns = names if n_columns == n_rows else [*names, "other"]
    quiet_axes(axes)
    axes.set_xticks(range(n_columns), columns)
    axes.set_yticks(range(n_rows), [printable(c, 18) for c in view.classes] if has_names else [])
    axes.set_xticks(np.arange(n_columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(n_rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=PAPER, linewidth=2)
    axes.tick_params(which="minor", length=0)
    # The cells of right answers; white cells of others would run into the page.
    for cell in range(n_rows):
        axes.add_patch(
            Rectangle((cell - 0.47, cell - 0.47), 0.94, 0.94, fill=False, edgecolor=INK, zorder=3)
        )
    axes.add_patch(
        Rectangle((-0.5, -0.5), n_columns, n_rows, fill=False, edgecolor=GRID, zorder=2.5)
    )
    for label in axes.get_xticklabels():
        label.set_verticalalignment("baseline")
    axes.tick_params(axis="x", pad=15)
    axes.set_title(printable(view.name, 40), loc="left", pad=8, **text_style(HEADING))
