"""Why one class and why not another, for one image.

Contributions are those of the reasoner, a surrogate of the classifier; the figure therefore always
says how often the two agree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from models.figure_style import (
    FAINT,
    HEADING,
    INK,
    MUTED,
    OPPOSES,
    OUTLINES,
    PAPER,
    SMALL,
    SUPPORTS,
    add_heading,
    new_figure,
    percent,
    printable,
    quiet_axes,
    text_style,
)

CROP_SIDE = 0.3
"""Inches."""
SPEAKER = "reasoner agrees with the classifier"


@dataclass(frozen=True)
class LocatedConcept:
    """A concept in the image: its label and its segment (H, W), None when it was not found."""

    label: str
    mask: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class ReasonView:
    """The parts of one logit of the reasoner; their sum plus the bias is the logit.

    Attributes:
        class_name: The class whose logit this is.
        parts: Label and contribution of every concept and dependency.
        bias: Constant part.
    """

    class_name: str
    parts: tuple[tuple[str, float], ...]
    bias: float = 0.0

    @property
    def logit(self) -> float:
        """Return the sum of all parts and the bias."""
        return sum(value for _, value in self.parts) + self.bias


def contribution_figure(
    image: NDArray[np.uint8],
    located: Sequence[LocatedConcept],
    why: ReasonView,
    why_not: ReasonView,
    *,
    agreement: float,
    true_class: str | None = None,
    n_bars: int = 9,
    crops: Mapping[str, NDArray[np.uint8]] = MappingProxyType({}),
    speaker: str = SPEAKER,
) -> Figure:
    """Draw an image with its located concepts, and what speaks for and against two classes.

    Args:
        image: Pixels (H, W, 3), uint8.
        located: Concepts of the predicted class's graph, in slot order.
        why: Parts of the predicted class's logit.
        why_not: Parts of the runner-up's logit.
        agreement: Share of images on which reasoner and classifier name the same class, in [0, 1].
        true_class: Name of the true class when known.
        n_bars: Bars per chart; what is left is summed into one more bar.
        crops: Example picture (h, w, 3) of a part by its label, drawn beside its bar.
        speaker: Whose agreement with which network ``agreement`` is.

    Returns:
        A figure 1280 pixels wide.
    """
    figure = new_figure(5.4)
    truth = "" if true_class is None else f" · true class: {true_class}"
    add_heading(
        figure,
        f"Why {why.class_name}, why not {why_not.class_name}",
        f"{speaker} on {percent(agreement)} of images{truth}"
        " · blue speaks for the class above the bars, orange against it",
    )
    picture = figure.add_axes((0.023, 0.145, 0.265, 0.628))
    _draw_image(picture, image, located)
    values = [v for r in (why, why_not) for _, v in _bars(r, n_bars)]
    span = (min(0.0, *values, 0.0), max(0.0, *values, 0.0))
    for left, word, reason in ((0.452, "Why", why), (0.802, "Why not", why_not)):
        axes = figure.add_axes((left, 0.09, 0.19, 0.683))
        bars = _bars(reason, n_bars)
        _draw_bars(axes, bars, span)
        _draw_crops(figure, axes, [crops.get(label) for label, _ in bars])
        axes.set_title(
            f"{word} {printable(reason.class_name, 22)}",
            loc="left", x=-0.75, pad=8, weight="bold", **text_style(HEADING),
        )  # fmt: skip
        axes.set_xlabel(
            f"sum of all parts: logit {reason.logit:.2f}".replace("-", "−"),
            **text_style(SMALL, MUTED),
        )
    return figure


def _draw_image(axes: Axes, image: NDArray[np.uint8], located: Sequence[LocatedConcept]) -> None:
    axes.imshow(image, interpolation="bilinear")
    axes.set_anchor("NW")
    axes.set_axis_off()
    for slot, concept in enumerate(located):
        colour = OUTLINES[slot % len(OUTLINES)]
        label = printable(concept.label, 18)
        x, y = 0.02 + 0.5 * (slot % 2), -0.055 - 0.075 * (slot // 2)
        if concept.mask is None or not concept.mask.any():
            _key(axes, x, y, f"{label} (not found)", PAPER, MUTED)
            continue
        _outline(axes, concept.mask, colour)
        _key(axes, x, y, label, colour, INK)
        rows, columns = np.nonzero(concept.mask)
        axes.text(
            float(columns.mean()), float(rows.mean()), label, ha="center", va="center",
            bbox={"boxstyle": "round,pad=0.2", "facecolor": colour, "edgecolor": INK},
            **text_style(SMALL - 1),
        )  # fmt: skip


def _key(axes: Axes, x: float, y: float, label: str, colour: str, ink: str) -> None:
    axes.plot(
        [x], [y], marker="s", markersize=8, color=colour, markeredgecolor=ink,
        transform=axes.transAxes, clip_on=False,
    )  # fmt: skip
    axes.text(
        x + 0.035, y - 0.003, label, transform=axes.transAxes, va="center", **text_style(SMALL, ink)
    )


def _outline(axes: Axes, mask: NDArray[np.bool_], colour: str) -> None:
    # A ring of zeros closes contours at the image's edge.
    padded = np.pad(mask.astype(np.float32), 1)
    rows, columns = np.arange(-1, mask.shape[0] + 1), np.arange(-1, mask.shape[1] + 1)
    for line_colour, width in ((INK, 4.2), (colour, 2.4)):
        axes.contour(columns, rows, padded, levels=[0.5], colors=[line_colour], linewidths=[width])


def _bars(reason: ReasonView, n_bars: int) -> list[tuple[str, float]]:
    """Return the largest parts, the sum of the others, and the bias."""
    # Labels break ties, so that equal inputs give equal pictures.
    ordered = sorted(reason.parts, key=lambda part: (-abs(part[1]), part[0]))
    bars = ordered[:n_bars]
    rest = ordered[n_bars:]
    if rest:
        bars.append((f"{len(rest)} others together", sum(value for _, value in rest)))
    if reason.bias:
        bars.append(("constant", reason.bias))
    return bars


def _draw_bars(axes: Axes, bars: Sequence[tuple[str, float]], span: tuple[float, float]) -> None:
    quiet_axes(axes)
    axes.set_xticks([])
    values = [value for _, value in bars]
    rows = list(range(len(bars)))
    axes.barh(rows, values, height=0.62, color=[_bar_colour(label, v) for label, v in bars])
    axes.axvline(0, color=INK, linewidth=1)
    axes.set_yticks(rows, [printable(label, 25) for label, _ in bars])
    axes.tick_params(axis="y", pad=32)
    axes.set_ylim(max(len(bars), 5) - 0.4, -0.6)
    # Room for the number beyond the longest bar; both charts are on one scale.
    low, high = span
    reach = (high - low) or 1.0
    axes.set_xlim(low - (0.24 if low < 0 else 0.03) * reach, high + 0.24 * reach)
    for row, value in enumerate(values):
        axes.text(
            value + (0.02 if value >= 0 else -0.02) * reach,
            row,
            f"{value:+.2f}".replace("-", "−"),
            ha="left" if value >= 0 else "right",
            va="center",
            **text_style(SMALL),
        )


def _draw_crops(figure: Figure, axes: Axes, crops: Sequence[NDArray[np.uint8] | None]) -> None:
    """Draw a small picture between each bar's label and its bar."""
    width, height = figure.get_size_inches()
    place = axes.get_position()
    top, bottom = axes.get_ylim()[1], axes.get_ylim()[0]
    for row, crop in enumerate(crops):
        if crop is None:
            continue
        middle = place.y1 - place.height * (row - top) / (bottom - top)
        thumb = figure.add_axes(
            (
                place.x0 - 0.38 / width,
                middle - CROP_SIDE / 2 / height,
                CROP_SIDE / width,
                CROP_SIDE / height,
            )
        )
        thumb.imshow(crop, interpolation="bilinear")
        thumb.set_axis_off()


def _bar_colour(label: str, value: float) -> str:
    if label == "constant":
        return FAINT
    return SUPPORTS if value >= 0 else OPPOSES
