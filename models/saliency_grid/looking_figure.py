"""Where a network looks on marked images, before and after: one row per image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from feedback.channels.saliency_grid.cells import cell_edges
from models.figure_style import (
    BODY,
    INK,
    MUTED,
    OPPOSES,
    SMALL,
    SUPPORTS,
    add_heading,
    new_figure,
    printable,
    text_style,
)

_ROW = 2.3
"""Inches."""


@dataclass(frozen=True)
class MarkedView:
    """One marked image.

    Attributes:
        name: Its name.
        pixels: The image (H, W, 3), uint8.
        weights: Weights of its cells (G, G); above 0 for what should not matter, below for what
            should.
        maps: Attribution (H, W) by what people call the network, the original first.
        shares: Share of each map's attribution in cells that should not matter, in the same
            order; NaN where there is none.
    """

    name: str
    pixels: NDArray[np.uint8]
    weights: NDArray[np.float32]
    maps: tuple[tuple[str, NDArray[np.float32]], ...]
    shares: tuple[float, ...]


def looking_figure(views: Sequence[MarkedView], *, title: str, note: str) -> Figure:
    """Draw each image with the squares that were marked, and the networks' attribution.

    Args:
        views: Images with as many maps each.
        title: Heading of the figure.
        note: Line under the heading.

    Returns:
        A figure that pyplot does not know of.

    Raises:
        ValueError: If there is no image.
    """
    if not views:
        raise ValueError("expected at least one marked image (got none)")
    columns = 1 + len(views[0].maps)
    head = 0.9
    figure = new_figure(head + _ROW * len(views), width=1.2 + _ROW * columns)
    add_heading(figure, title, note)
    top = 1 - head / figure.get_figheight()
    grid = figure.add_gridspec(
        len(views), columns, left=0.02, right=0.98, bottom=0.02, top=top, hspace=0.22, wspace=0.08
    )
    for row, view in enumerate(views):
        for column in range(columns):
            axes = figure.add_subplot(grid[row, column])
            axes.set_axis_off()
            axes.imshow(view.pixels)
            if column == 0:
                caption = printable(view.name.rsplit("/", 1)[-1])
            else:
                name, values = view.maps[column - 1]
                full = float(np.quantile(values, 0.99)) or float(values.max()) or 1.0
                axes.imshow(values, cmap="inferno", vmin=0, vmax=full, alpha=0.75)
                share = view.shares[column - 1]
                caption = name if share != share else f"{name}: {share:.0%} in marked squares"
            _outline(axes, view.weights, view.pixels.shape[:2])
            style = text_style(SMALL, MUTED) if column else text_style(BODY, INK)
            axes.set_title(caption, **style)
    return figure


def _outline(axes: Axes, weights: NDArray[np.float32], size: tuple[int, int]) -> None:
    rows, columns = (cell_edges(length, len(weights)) for length in size)
    for r, c in zip(*np.nonzero(weights), strict=True):
        colour = OPPOSES if weights[r, c] > 0 else SUPPORTS
        corner = (columns[c] - 0.5, rows[r] - 0.5)
        width, height = columns[c + 1] - columns[c], rows[r + 1] - rows[r]
        axes.add_patch(
            Rectangle(corner, width, height, fill=False, edgecolor=colour, linewidth=1.4)
        )
