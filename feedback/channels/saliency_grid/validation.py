"""Whether marks fit the evidence that was shown: refusals and warnings."""

from collections.abc import Sequence

from feedback.channels.saliency_grid.evidence import ImageEvidence, SaliencyEvidence
from feedback.channels.saliency_grid.marks import EXCLUDES_CELLS, SMALLEST_WEIGHT, CellMarks
from feedback.channels.saliency_grid.suspicion import (
    cells_on_padding,
    explanation_doubts,
    is_everything_marked,
    marked_area,
)
from feedback.errors import (
    BundleMismatchError,
    ContradictionError,
    MalformedDocumentError,
    UnknownTargetError,
)


def check_marks(
    evidence: SaliencyEvidence, answers: Sequence[CellMarks], *, verdict: str
) -> tuple[str, ...]:
    """Refuse marks that do not fit the evidence, and warn of those that will hardly help.

    Args:
        evidence: What was shown.
        answers: One reviewer's marks, at most one answer per image.
        verdict: The reviewer's verdict on the request.

    Returns:
        Warnings, one sentence each.

    Raises:
        BundleMismatchError: If an answer was given to another explanation than was shown.
        UnknownTargetError: If it names an image that was not shown, or a cell beyond the grid; any
            cell of the grid may be marked, outlined or not.
        ContradictionError: If marks exclude each other, a flag or the verdict.
        MalformedDocumentError: If a weight is not one that the request allows.
    """
    if verdict == "reject" and any(answer.cells for answer in answers):
        raise ContradictionError(
            "expected no marked cells with the verdict 'reject' (got some); approve with the "
            "marks, or reject without"
        )
    images = {shown.image: shown for shown in evidence.images}
    seen: set[str] = set()
    warnings: list[str] = []
    for answer in answers:
        shown = images.get(answer.image)
        if shown is None:
            raise UnknownTargetError(
                f"expected one of the {len(images)} images of this request (got "
                f"{answer.image[:12]}); mark an image that was shown"
            )
        if answer.image in seen:
            raise ContradictionError(
                f"expected one response per image (got two for {_quoted(shown)}); join them"
            )
        seen.add(answer.image)
        _check_shown(evidence, shown, answer)
        _check_cells(evidence, shown, answer)
        _check_flags(shown, answer)
        warnings += _doubts(evidence, shown, answer)
    return tuple(warnings)


def _check_shown(evidence: SaliencyEvidence, shown: ImageEvidence, answer: CellMarks) -> None:
    parts: tuple[tuple[str, object, object], ...] = (
        ("model_version", evidence.model_version, answer.model_version),
        ("epoch", evidence.epoch, answer.epoch),
        ("explainer", evidence.explainer, answer.explainer),
        ("grid", evidence.grid, answer.grid),
        ("shown", tuple((cell.r, cell.c) for cell in shown.shown), answer.shown),
    )
    other = [name for name, asked, given in parts if asked != given]
    if other:
        raise BundleMismatchError(
            f"expected the {', '.join(other)} that {_quoted(shown)} was shown with (got others); "
            "mark it again"
        )


def _check_cells(evidence: SaliencyEvidence, shown: ImageEvidence, answer: CellMarks) -> None:
    marked: set[tuple[int, int]] = set()
    for cell in answer.cells:
        if max(cell.r, cell.c) >= evidence.grid.g:
            raise UnknownTargetError(
                f"expected rows and columns from 0 to {evidence.grid.g - 1} (got {cell.r}, "
                f"{cell.c} on {_quoted(shown)}); mark a cell of the grid"
            )
        if (cell.r, cell.c) in marked:
            raise ContradictionError(
                f"expected each cell once (got {cell.r}, {cell.c} twice on {_quoted(shown)}); "
                "leave one out"
            )
        marked.add((cell.r, cell.c))
        if abs(cell.w) < SMALLEST_WEIGHT:
            raise MalformedDocumentError(
                f"expected a weight of at least {SMALLEST_WEIGHT:g} either way (got {cell.w:g} at "
                f"{cell.r}, {cell.c} on {_quoted(shown)}); leave the cell out"
            )
        if cell.w < 0 and not evidence.allow_important:
            raise MalformedDocumentError(
                f"expected a weight above 0 (got {cell.w:g} at {cell.r}, {cell.c} on "
                f"{_quoted(shown)}); this request asks only for what should not matter"
            )


def _check_flags(shown: ImageEvidence, answer: CellMarks) -> None:
    if len(set(answer.flags)) != len(answer.flags):
        raise ContradictionError(
            f"expected each flag once (got one twice on {_quoted(shown)}); leave one out"
        )
    excluding = [flag for flag in EXCLUDES_CELLS if flag in answer.flags]
    if excluding and answer.cells:
        raise ContradictionError(
            f"expected no marked cells with the flag {excluding[0]!r} (got {len(answer.cells)} on "
            f"{_quoted(shown)}); leave out one or the other"
        )
    if "skip" in answer.flags and len(answer.flags) > 1:
        raise ContradictionError(
            f"expected no other flag with 'skip' (got {len(answer.flags) - 1} on "
            f"{_quoted(shown)}); leave out one or the other"
        )
    if answer.artefact is not None and "artefact" not in answer.flags:
        raise ContradictionError(
            f"expected the flag 'artefact' with its name (got only the name on {_quoted(shown)}); "
            "add the flag"
        )


def _doubts(evidence: SaliencyEvidence, shown: ImageEvidence, answer: CellMarks) -> list[str]:
    if not answer.cells:
        return []
    doubts = []
    if is_everything_marked(answer):
        doubts.append(
            f"every one of the {len(answer.shown)} cells shown on {shown.name} is marked; nothing "
            "tells what should matter"
        )
    area = marked_area(answer)
    if area > evidence.max_marked_area:
        doubts.append(
            f"{area:.0%} of {shown.name} is marked; above {evidence.max_marked_area:.0%} hardly "
            "anything is left to look at"
        )
    about_explanation = explanation_doubts(shown, answer)
    if "on_padding" in about_explanation:
        doubts.append(
            f"{cells_on_padding(shown, answer)} of the cells marked on {shown.name} are mostly "
            "padding, which is no part of the picture"
        )
    if "label_suspect" in answer.flags:
        doubts.append(
            f"the label of {shown.name} looks wrong, so its marks wait until that is settled"
        )
    if "unclear_explanation" in about_explanation:
        doubts.append(f"{shown.name} has marks although its explanation is called unclear")
    if shown.failure is not None:
        doubts.append(
            f"the explanation of {shown.name} failed ({shown.failure.replace('_', ' ')}); its "
            "marks may say nothing about the network"
        )
    return doubts


def _quoted(shown: ImageEvidence) -> str:
    return repr(shown.name[:80])
