"""Answers that are allowed, but that nobody would give who looks closely."""

from feedback.channels.saliency_grid.cells import area_share
from feedback.channels.saliency_grid.marks import CellMarks


def is_everything_marked(marks: CellMarks) -> bool:
    """Tell whether every cell that was shown is called irrelevant: then none was chosen."""
    marked = {(cell.r, cell.c) for cell in marks.cells if cell.w > 0}
    return bool(marks.shown) and marked >= set(marks.shown)


def marked_area(marks: CellMarks) -> float:
    """Return the share of the image, in [0, 1], that is called irrelevant."""
    marked = [(cell.r, cell.c) for cell in marks.cells if cell.w > 0]
    return area_share(marked, marks.grid.g, marks.grid.h, marks.grid.w)
