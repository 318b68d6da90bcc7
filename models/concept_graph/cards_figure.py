"""Concept cards: what a reviewer sees of each candidate concept of a class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from models.figure_style import (
    BODY,
    GRID,
    INK,
    MUTED,
    PAPER,
    SMALL,
    SUPPORTS,
    add_heading,
    new_figure,
    percent,
    printable,
    text_style,
)

ROW_HEIGHT = 1.12
"""Inches per concept."""
TEXT_WIDTH = 2.55
"""Inches for the numbers left of the examples."""


@dataclass(frozen=True)
class ConceptCardView:
    """One candidate concept with its examples.

    Attributes:
        concept_id: E.g. ``type_001/k07``.
        crops: Example pictures (h, w, 3), uint8, of distinct images; None leaves a gap.
        slot: Its place in the class graph, or None for a candidate of the pool.
        tcav_score: In [0, 1], or None.
        tcav_low: Lower end of the interval.
        tcav_high: Upper end of the interval.
        significant: Whether the score differs from random sets.
        detection_rate: Share of the class's images in which it is found.
        background_share: Share of its examples in the background; None when not known.
    """

    concept_id: str
    crops: tuple[NDArray[np.uint8] | None, ...]
    slot: int | None = None
    tcav_score: float | None = None
    tcav_low: float | None = None
    tcav_high: float | None = None
    significant: bool = True
    detection_rate: float | None = None
    background_share: float | None = None


def concept_cards_figure(
    class_name: str,
    cards: Sequence[ConceptCardView],
    *,
    n_examples: int = 10,
    note: str = "yellow line: the segment · concepts of the graph first, then candidates by score",
) -> Figure:
    """Draw one row per concept: its numbers, then a strip of examples.

    Args:
        class_name: The class whose concepts these are.
        cards: Concepts in the order shown.
        n_examples: Examples per row.
        note: Line under the heading.

    Returns:
        A figure 1280 pixels wide and as high as there are concepts.

    Raises:
        ValueError: If there is no card.
    """
    if not cards:
        raise ValueError("expected at least one concept (got none)")
    figure = new_figure(1.0 + ROW_HEIGHT * len(cards))
    add_heading(figure, f"Concepts of {class_name}", note)
    for row, card in enumerate(cards):
        _draw_row(figure, card, row, n_examples)
    return figure


def _draw_row(figure: Figure, card: ConceptCardView, row: int, n_examples: int) -> None:
    width, height = figure.get_size_inches()
    top = height - 0.9 - row * ROW_HEIGHT
    in_graph = card.slot is not None
    figure.add_artist(
        Rectangle(
            (0.16 / width, (top - ROW_HEIGHT + 0.1) / height),
            0.05 / width,
            (ROW_HEIGHT - 0.12) / height,
            facecolor=SUPPORTS if in_graph else GRID,
            edgecolor="none",
        )
    )
    left = 0.3 / width
    name = card.concept_id.rsplit("/", 1)[-1]
    place = f"slot {card.slot}" if in_graph else "candidate"
    figure.text(left, (top - 0.05) / height, f"{printable(name, 14)}  ·  {place}", va="top",
                weight="bold", **text_style(BODY))  # fmt: skip
    is_bad = card.background_share is not None and card.background_share >= 0.5
    lines = [
        (_tcav_line(card), INK if card.significant else MUTED),
        (f"found in {percent(card.detection_rate)}", INK),
        (f"outside gate {percent(card.background_share)}", PAPER if is_bad else INK),
    ]
    badge = {"boxstyle": "round,pad=0.25", "facecolor": INK, "edgecolor": INK}
    for index, (text, colour) in enumerate(lines):
        figure.text(left, (top - 0.3 - 0.22 * index) / height, text, va="top",
                    weight="bold" if colour == PAPER else "normal",
                    bbox=badge if colour == PAPER else None,
                    **text_style(SMALL, colour))  # fmt: skip
    step = (width - TEXT_WIDTH - 0.2) / n_examples
    side = min(step - 0.06, ROW_HEIGHT - 0.14)
    for index, crop in enumerate(card.crops[:n_examples]):
        if crop is None:
            continue
        axes = figure.add_axes(
            (
                (TEXT_WIDTH + index * step) / width,
                (top - side - 0.02) / height,
                side / width,
                side / height,
            )
        )
        axes.imshow(crop, interpolation="bilinear")
        axes.set_axis_off()
    if not any(crop is not None for crop in card.crops):
        figure.text(TEXT_WIDTH / width, (top - 0.5) / height, "no examples",
                    va="center", backgroundcolor=PAPER, **text_style(SMALL, MUTED))  # fmt: skip


def _tcav_line(card: ConceptCardView) -> str:
    if card.tcav_score is None or card.tcav_score != card.tcav_score:
        return "TCAV –"
    interval = ""
    if card.tcav_low is not None and card.tcav_high is not None:
        interval = f" [{card.tcav_low:.2f}, {card.tcav_high:.2f}]"
    return f"TCAV {card.tcav_score:.2f}{interval}{'' if card.significant else '  n.s.'}"
