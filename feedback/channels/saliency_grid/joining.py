"""What several approvers say of one image as one answer, cell by cell."""

import math
from collections.abc import Sequence
from dataclasses import replace

from feedback.answer import Edit
from feedback.channels.saliency_grid.answers import edit_of, read_marks
from feedback.channels.saliency_grid.marks import (
    EXCLUDES_CELLS,
    MOST_SECONDS,
    CellMarks,
    MarkedCell,
)


def join_edits(edits: Sequence[Edit]) -> Edit:
    """Join what several approvers say of one image; see ``join_marks``."""
    joined = join_marks(read_marks([edit.response for edit in edits]))
    # What contradictions leave over may say nothing any more; it is about this image all the same.
    return replace(edit_of(joined.model_dump(mode="json")), target=edits[0].target)


def join_marks(answers: Sequence[CellMarks]) -> CellMarks:
    """Make one answer of several on one image.

    A cell gets the mean of their weights, 0 for one who left it alone, so what half of them marked
    weighs half. One that somebody calls irrelevant and somebody else important is left out. What
    anybody flags is flagged, and what makes an image unusable takes its marks.

    Args:
        answers: One per reviewer, on the same explanation, none an abstention.

    Returns:
        The same for every order of the answers, but for remarks, which are the first one's.
    """
    first = answers[0]
    given: dict[tuple[int, int], list[float]] = {}
    for answer in answers:
        for cell in answer.cells:
            given.setdefault((cell.r, cell.c), []).append(cell.w)
    flags = {flag for answer in answers for flag in answer.flags} - {"skip"}
    cells = () if flags & set(EXCLUDES_CELLS) else sorted(given)
    seconds = [answer.seconds_spent for answer in answers if answer.seconds_spent is not None]
    changes: dict[str, object] = {
        "cells": tuple(
            MarkedCell(r=r, c=c, w=math.fsum(given[r, c]) / len(answers))
            for r, c in cells
            if not _contradict(given[r, c])
        ),
        "flags": tuple(sorted(flags)),
        "artefact": next((one.artefact for one in answers if one.artefact is not None), None),
        "seconds_spent": min(math.fsum(seconds), MOST_SECONDS) if seconds else None,
    }
    return first.model_copy(update=changes)


def _contradict(weights: Sequence[float]) -> bool:
    return min(weights) < 0 < max(weights)
