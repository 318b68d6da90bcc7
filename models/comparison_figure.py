"""Accuracy of the arms of a comparison on each group of classes, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from models.figure_style import (
    ARM_COLOURS,
    BODY,
    INK,
    PAPER,
    SMALL,
    add_heading,
    new_figure,
    printable,
    quiet_axes,
    text_style,
)

_MARKERS = ("o", "s", "D", "^", "v", "P")


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval, all in [0, 1]."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ArmView:
    """One arm of the comparison.

    Attributes:
        name: E.g. ``distilled, edited graphs``.
        groups: Accuracy per group of classes; the first arm's order is the figure's.
    """

    name: str
    groups: Mapping[str, Interval]


def comparison_figure(
    arms: Sequence[ArmView],
    *,
    title: str = "Accuracy before and after the correction",
    note: str = "mean over classes · bars: 95 % interval",
) -> Figure:
    """Draw one row per group and arm: a marker at the accuracy and a bar over its interval.

    Args:
        arms: Arms with the same groups; the first is the one that others are read against.
        title: Heading of the figure.
        note: Line under the heading, says what the intervals are.

    Returns:
        A figure 1280 pixels wide.

    Raises:
        ValueError: If there are no arms or their groups differ.
    """
    if not arms or not arms[0].groups:
        raise ValueError("expected at least one arm with one group (got none)")
    groups = tuple(arms[0].groups)
    for arm in arms:
        if set(arm.groups) != set(groups):
            raise ValueError(f"expected the groups {groups} in every arm (got {tuple(arm.groups)})")
    n_rows = len(groups) * (len(arms) + 1) - 1
    figure = new_figure(1.75 + 0.36 * n_rows)
    add_heading(figure, title, note)
    height = figure.get_size_inches()[1]
    axes = figure.add_axes((0.305, 0.6 / height, 0.595, 1 - 1.55 / height))
    row = 0
    for group in groups:
        _draw_group(axes, group, arms, row)
        row += len(arms) + 1
    _finish(axes, arms, n_rows)
    return figure


def _draw_group(axes: Axes, group: str, arms: Sequence[ArmView], first_row: int) -> None:
    reference = arms[0].groups[group].value
    axes.plot(
        [reference] * 2,
        [first_row - 0.5, first_row + len(arms) - 0.5],
        color=ARM_COLOURS[0],
        linewidth=1,
        linestyle=(0, (2, 3)),
    )
    axes.text(
        -0.47,
        first_row + (len(arms) - 1) / 2,
        printable(group, 22),
        transform=axes.get_yaxis_transform(),
        va="center",
        weight="bold",
        **text_style(BODY),
    )
    for offset, arm in enumerate(arms):
        score = arm.groups[group]
        row = first_row + offset
        colour = ARM_COLOURS[offset % len(ARM_COLOURS)]
        axes.plot([score.low, score.high], [row, row], color=colour, linewidth=2.5)
        axes.plot(
            [score.value],
            [row],
            marker=_MARKERS[offset % len(_MARKERS)],
            markersize=8.5,
            color=colour,
            markeredgecolor=PAPER,
            markeredgewidth=1.2,
        )
        points = f"{100 * (score.value - reference):+.1f}".replace("-", "−")
        change = "" if offset == 0 else f"   {points}"
        axes.text(
            1.015,
            row,
            f"{100 * score.value:.1f} %{change}",
            transform=axes.get_yaxis_transform(),
            va="center",
            **text_style(SMALL, INK),
        )


def _finish(axes: Axes, arms: Sequence[ArmView], n_rows: int) -> None:
    rows = [r for r in range(n_rows) if r % (len(arms) + 1) < len(arms)]
    quiet_axes(axes, grid="x")
    axes.set_yticks(rows, [printable(arms[r % (len(arms) + 1)].name, 32) for r in rows])
    axes.set_ylim(n_rows - 0.4, -0.6)
    scores = [s for arm in arms for s in arm.groups.values()]
    low, high = min(s.low for s in scores), max(s.high for s in scores)
    pad = max(0.02, 0.06 * (high - low))
    axes.set_xlim(max(low - pad, -0.02), min(high + pad, 1.02))
    # Steps of 2.5 would be labelled 12, 15, 18.
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    decimals = 0 if high - low > 0.08 else 1
    axes.xaxis.set_major_formatter(PercentFormatter(xmax=1.0, decimals=decimals, symbol=" %"))
