"""A reviewer's document as marks on images."""

from collections.abc import Sequence

from feedback.answer import Edit
from feedback.bundle import ReviewBundle
from feedback.canonical import canonical_json
from feedback.channels.saliency_grid.marks import CellMarks
from feedback.channels.saliency_grid.packing import read_evidence
from feedback.channels.saliency_grid.validation import check_marks
from feedback.document import FeedbackDocument, read_responses
from feedback.fields import JsonObject

_ABSTENTIONS = frozenset({"skip", "unclear"})


def read_marks(responses: Sequence[JsonObject]) -> tuple[CellMarks, ...]:
    """Read responses, of a document or agreed on by several reviewers, as marks on images.

    Args:
        responses: JSON objects.

    Returns:
        One answer per response, in their order.

    Raises:
        MalformedDocumentError: If a response does not follow the schema.
    """
    return read_responses(responses, CellMarks)


def is_abstention(marks: CellMarks) -> bool:
    """Tell whether an answer was skipped, or called unclear and left unmarked: it says nothing."""
    return not marks.cells and bool(marks.flags) and set(marks.flags) <= _ABSTENTIONS


def edit_of(response: JsonObject) -> Edit:
    """Say what a response edits: the weights of an image's cells.

    The order of marks is no matter. An answer without marks says that the network looks where it
    should, which another one's marks contradict; one that was skipped, or called unclear and left
    unmarked, says nothing and contradicts nobody.

    Args:
        response: A valid response.

    Returns:
        The image's digest, and its cells and flags without remarks; each of them is an edit.
    """
    (marks,) = read_marks([response])
    cells: list[list[float]] = sorted([cell.r, cell.c, cell.w] for cell in marks.cells)
    content = canonical_json({"cells": cells, "flags": sorted(marks.flags)})  # type: ignore[dict-item]
    if not is_abstention(marks):
        flagged = sum(flag != "skip" for flag in marks.flags)
        return Edit(marks.image, content, response, n_edits=len(marks.cells) + flagged)
    # Skipping and calling unclear do not contradict each other either.
    target = f"{marks.image} {'+'.join(sorted(marks.flags))}"
    return Edit(target, content, response, abstains_on=marks.image, n_edits=0)


def validate_response(bundle: ReviewBundle, document: FeedbackDocument) -> tuple[str, ...]:
    """Check that a document's marks fit the images that were shown.

    Args:
        bundle: What was shown.
        document: A reviewer's answer.

    Returns:
        Warnings, one sentence each.

    Raises:
        FeedbackError: If the document is refused.
    """
    marks = read_marks(document.responses)
    return check_marks(read_evidence(bundle), marks, verdict=document.verdict)
