"""What reviewers corrected for the champion and a request shows again, from the records alone.

The champion learned not to look at the cells that were marked in its review. Where a request shows
such a cell again, the network that it explains still looks there.
"""

from collections.abc import Iterable, Sequence

from feedback.bundle import ReviewBundle
from feedback.channels.saliency_grid.answers import read_marks
from feedback.channels.saliency_grid.evidence import ImageEvidence, SaliencyEvidence
from feedback.channels.saliency_grid.marks import CellMarks
from feedback.channels.saliency_grid.packing import read_evidence
from feedback.fields import JsonObject
from feedback.since import Difference

_LONGEST = 500


def differences(
    then: ReviewBundle, edits: Sequence[JsonObject], now: ReviewBundle
) -> tuple[Difference, ...]:
    """List how the explanations differ, and the marks that a request shows as if never made.

    Args:
        then: The request by which the champion was promoted.
        edits: Responses that were accepted there.
        now: The request to compare with.

    Returns:
        Settings, then images in the order of the edits; empty when nothing differs.

    Raises:
        ValidationError: If the evidence does not follow the channel's schema.
        MalformedDocumentError: If an edit does not.
    """
    before, after = read_evidence(then), read_evidence(now)
    found = _settings(before, after)
    names = {shown.image: shown.name for shown in before.images}
    images = {shown.image: shown for shown in after.images}
    for marks in read_marks(edits):
        if not marks.cells:
            continue
        shown = _as_shown(marks, images.get(marks.image), same_grid=before.grid == after.grid)
        if shown:
            found.append(
                Difference(
                    target=names.get(marks.image, marks.image),
                    part="marked cells",
                    champion=_cut(_listed((cell.r, cell.c) for cell in marks.cells)),
                    shown=_cut(shown),
                    reason=marks.comment,
                )
            )
    return tuple(found)


def _settings(before: SaliencyEvidence, after: SaliencyEvidence) -> list[Difference]:
    settings = {
        "explainer": (before.explainer.name, after.explainer.name),
        "baseline": (before.explainer.baseline, after.explainer.baseline),
        "explained class": (before.explainer.target, after.explainer.target),
        "grid": tuple(f"{e.grid.g} on {e.grid.h} x {e.grid.w} pixels" for e in (before, after)),
    }
    return [
        Difference(target="all images", part=part, champion=theirs, shown=ours)
        for part, (theirs, ours) in settings.items()
        if theirs != ours
    ]


def _as_shown(marks: CellMarks, shown: ImageEvidence | None, *, same_grid: bool) -> str:
    """Say how a request shows what was marked; nothing when none of it is shown any more."""
    if shown is None:
        return "not under review"
    if not same_grid:
        return "shown on another grid"
    cells = {(cell.r, cell.c) for cell in shown.shown}
    again = [(cell.r, cell.c) for cell in marks.cells if cell.w > 0 and (cell.r, cell.c) in cells]
    return f"still looked at: {_listed(again)}" if again else ""


def _listed(cells: Iterable[tuple[int, int]]) -> str:
    return ", ".join(f"row {r + 1} column {c + 1}" for r, c in sorted(cells))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
