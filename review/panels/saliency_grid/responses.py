"""What is said about an image as a response of the answer, and in words."""

from collections.abc import Iterable, Sequence
from typing import Final, get_args

from feedback.channels.saliency_grid import (
    CellMarks,
    Flag,
    MarkedCell,
    answer_on,
    is_abstention,
    read_marks,
)
from feedback.channels.saliency_grid.evidence import ImageEvidence, SaliencyEvidence
from feedback.channels.saliency_grid.validation import check_marks
from feedback.fields import JsonObject
from review.panels.saliency_grid.draft import Cell, ImageDraft
from review.panels.saliency_grid.editing import image_shown
from review.pieces import Line

FLAGS: Final[dict[Flag, str]] = {
    "unclear": "Explanation unclear",
    "artefact": "Artefact",
    "label_suspect": "Label looks wrong",
    "unusable": "Image unusable",
    "skip": "Skip",
}
"""Flags as the page calls them."""


def response_of(item: str, said: ImageDraft, evidence: SaliencyEvidence) -> CellMarks:
    """Return what was said about an image as a response.

    Args:
        item: Digest of the image.
        said: Its draft.
        evidence: What is shown.

    Returns:
        Its marked cells by row and column, its flags, and the time that it took.

    Raises:
        UnknownTargetError: If there is no such image.
    """
    shown = image_shown(evidence, item)
    weights = {**dict.fromkeys(said.irrelevant, 1.0), **dict.fromkeys(said.important, -1.0)}
    return answer_on(
        evidence,
        shown,
        (MarkedCell(r=r, c=c, w=weights[r, c]) for r, c in sorted(weights)),
        flags=said.flags,
        artefact=said.artefact,
        comment=said.comment,
        seconds_spent=said.seconds_spent or None,
    )


def draft_of(response: JsonObject, evidence: SaliencyEvidence) -> tuple[str, ImageDraft] | None:
    """Return the image of a response and the draft that says it.

    Reviewers' marks that were joined weigh less than 1 where not all of them marked; the page knows
    no such weights, and proposes the square.

    Args:
        response: A response to the same images.
        evidence: What is shown.

    Returns:
        The image and its draft; None for an answer that says nothing, such as a skipped image.

    Raises:
        FeedbackError: If it does not follow the schema, or the image is not shown.
    """
    (marks,) = read_marks([response])
    shown = image_shown(evidence, marks.image)
    if is_abstention(marks):
        return None
    return shown.image, ImageDraft(
        irrelevant=tuple(sorted((cell.r, cell.c) for cell in marks.cells if cell.w > 0)),
        important=tuple(sorted((cell.r, cell.c) for cell in marks.cells if cell.w < 0)),
        flags=tuple(flag for flag in get_args(Flag) if flag in marks.flags),
        artefact=marks.artefact,
        confirmed=not (marks.cells or marks.flags),
        comment=marks.comment,
    )


def check(responses: Sequence[CellMarks], evidence: SaliencyEvidence) -> tuple[str, ...]:
    """Judge responses by the rules of an upload, and return what the gate would warn of."""
    return check_marks(evidence, responses, verdict="approve")


def told(item: str, said: ImageDraft, evidence: SaliencyEvidence) -> list[Line]:
    """Tell in words what an image's response says.

    Args:
        item: Digest of the image.
        said: Its draft.
        evidence: What is shown.

    Returns:
        A line for each way in which cells are marked, and for each flag.
    """
    shown = image_shown(evidence, item)
    lines = [
        Line(f"{told} matter: {_listed(cells, shown)}")
        for told, cells in (("should not", said.irrelevant), ("should", said.important))
        if cells
    ]
    for flag in said.flags:
        name = said.artefact if flag == "artefact" and said.artefact else ""
        words = "skipped, no answer" if flag == "skip" else FLAGS[flag].lower()
        lines.append(Line(f"{words}{': ' if name else ''}{name}"))
    return lines or [Line("the network looks where it should")]


def cell_name(cell: Cell) -> str:
    """Name a cell, counted from 1 as the comparison with the champion counts."""
    return f"row {cell[0] + 1} column {cell[1] + 1}"


def ranks_of(shown: ImageEvidence) -> dict[Cell, int]:
    """Return the rank of each cell that is shown, from 1, the most relevant."""
    return {(cell.r, cell.c): rank for rank, cell in enumerate(shown.shown, start=1)}


def _listed(cells: Iterable[Cell], shown: ImageEvidence) -> str:
    ranks = ranks_of(shown)
    return ", ".join(
        f"{cell_name(cell)} (rank {ranks[cell]})" if cell in ranks else cell_name(cell)
        for cell in cells
    )
