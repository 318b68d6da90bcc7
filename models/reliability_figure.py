"""Reliability diagrams: how often a model is right when it claims to be sure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from models.figure_style import (
    FAINT,
    HEADING,
    MUTED,
    OPPOSES,
    PAGE_WIDTH,
    SINGLE_WIDTH,
    SMALL,
    SUPPORTS,
    add_heading,
    new_figure,
    printable,
    quiet_axes,
    text_style,
)


@dataclass(frozen=True)
class ReliabilityView:
    """Calibration of one model over M equal bins of confidence.

    Attributes:
        name: Name of the model.
        confidence: Mean confidence per bin (M,), in [0, 1]; NaN in an empty bin.
        accuracy: Share of right predictions per bin (M,); NaN in an empty bin.
        n_images: Images per bin (M,).
        error: Expected calibration error, in [0, 1].
    """

    name: str
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    n_images: NDArray[np.int64]
    error: float


def reliability_figure(views: Sequence[ReliabilityView], *, title: str = "Calibration") -> Figure:
    """Draw accuracy over confidence for each model, with the number of images per bin below.

    Args:
        views: One per model, with the same number of bins.
        title: Heading of the figure.

    Returns:
        A figure 1280 pixels wide, or narrower for a single model.

    Raises:
        ValueError: If there is no view.
    """
    if not views:
        raise ValueError("expected at least one model's calibration (got none)")
    width = PAGE_WIDTH if len(views) > 1 else SINGLE_WIDTH
    figure = new_figure(5.6, width=width)
    add_heading(
        figure,
        title,
        "share of right predictions against confidence · orange: too sure · blue: too careful",
    )
    panels = figure.subplots(
        2,
        len(views),
        squeeze=False,
        gridspec_kw={
            "height_ratios": (4, 1),
            "left": 0.83 / width,
            "right": 1 - 0.36 / width,
            "top": 0.79,
            "bottom": 0.1,
            "hspace": 0.12,
            "wspace": 0.14,
        },
    )
    for column, view in enumerate(views):
        _draw_bins(panels[0][column], view)
        _draw_counts(panels[1][column], view)
    return figure


def _draw_bins(axes: Axes, view: ReliabilityView) -> None:
    centres, width = _bins(len(view.n_images))
    filled = np.asarray(view.n_images) > 0
    right, sure = view.accuracy[filled], view.confidence[filled]
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (3, 3)))
    axes.bar(centres[filled], right, width=width * 0.9, color="#D6E6F2")
    axes.bar(
        centres[filled],
        np.abs(sure - right),
        bottom=np.minimum(sure, right),
        width=width * 0.9,
        color=[OPPOSES if gap > 0 else SUPPORTS for gap in sure - right],
        alpha=0.75,
    )
    quiet_axes(axes, grid="y")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xticks([])
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1.0, symbol=" %"))
    axes.set_title(printable(view.name, 34), loc="left", pad=8, **text_style(HEADING))
    axes.text(
        0.02,
        0.93,
        f"calibration error {100 * view.error:.1f} points",
        transform=axes.transAxes,
        va="top",
        **text_style(SMALL),
    )


def _draw_counts(axes: Axes, view: ReliabilityView) -> None:
    centres, width = _bins(len(view.n_images))
    axes.bar(centres, view.n_images, width=width * 0.9, color=FAINT)
    quiet_axes(axes)
    axes.set_xlim(0, 1)
    axes.set_yticks([])
    axes.text(
        0.02, 0.7, f"images per bin, at most {int(np.max(view.n_images))}",
        transform=axes.transAxes, **text_style(SMALL, MUTED),
    )  # fmt: skip
    axes.xaxis.set_major_formatter(PercentFormatter(xmax=1.0, symbol=" %"))
    axes.set_xlabel(f"confidence · {int(np.sum(view.n_images))} images", **text_style(SMALL, MUTED))


def _bins(n_bins: int) -> tuple[NDArray[np.float64], float]:
    return (np.arange(n_bins) + 0.5) / n_bins, 1.0 / n_bins
