"""Answers that are allowed, but that nobody would give who looks closely."""

from typing import Literal

from feedback.channels.saliency_grid.cells import area_share, padded_cells
from feedback.channels.saliency_grid.evidence import ImageEvidence
from feedback.channels.saliency_grid.marks import CellMarks

ExplanationDoubt = Literal["failed_explanation", "unclear_explanation", "on_padding"]


def is_everything_marked(marks: CellMarks) -> bool:
    """Tell whether every cell that was shown is called irrelevant: then none was chosen."""
    marked = {(cell.r, cell.c) for cell in marks.cells if cell.w > 0}
    return bool(marks.shown) and marked >= set(marks.shown)


def marked_area(marks: CellMarks) -> float:
    """Return the share of the image, in [0, 1], that is called irrelevant."""
    marked = [(cell.r, cell.c) for cell in marks.cells if cell.w > 0]
    return area_share(marked, marks.grid.g, marks.grid.h, marks.grid.w)


def cells_on_padding(shown: ImageEvidence, marks: CellMarks) -> int:
    """Count the marked cells that are mostly padding, which is no part of the picture."""
    padded = padded_cells(shown.content, marks.grid.g, marks.grid.h, marks.grid.w)
    return sum((cell.r, cell.c) in padded for cell in marks.cells)


def explanation_doubts(shown: ImageEvidence, marks: CellMarks) -> tuple[ExplanationDoubt, ...]:
    """Name why marks may say nothing about the network, whatever the reviewer thought.

    ``failed_explanation``: attribution is all zero, not finite, or misses its sum.
    ``unclear_explanation``: the reviewer calls it unclear, and marked cells all the same.
    ``on_padding``: some marked cells are mostly padding.

    Args:
        shown: What was shown.
        marks: The answer; without marks there is nothing to doubt.
    """
    if not marks.cells:
        return ()
    named: dict[ExplanationDoubt, bool] = {
        "failed_explanation": shown.failure is not None,
        "unclear_explanation": "unclear" in marks.flags,
        "on_padding": cells_on_padding(shown, marks) > 0,
    }
    return tuple(doubt for doubt, holds in named.items() if holds)
