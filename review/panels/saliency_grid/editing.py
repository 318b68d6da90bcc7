"""What an action does to the draft of one image. Pure: nothing is changed in place.

The last word counts: a mark takes back that an image is skipped or unusable, and to call it so
takes its marks back. So a click is never refused, and undo brings back what it replaced.
"""

from typing import Final, get_args

from feedback.channels.saliency_grid.evidence import ImageEvidence, SaliencyEvidence
from feedback.channels.saliency_grid.marks import EXCLUDES_CELLS, Flag
from feedback.errors import ContradictionError, UnknownTargetError
from review.actions import ItemAction
from review.finding import find_item
from review.panels.saliency_grid.actions import (
    Confirm,
    ImageAction,
    NameArtefact,
    TurnCell,
    TurnFlag,
)
from review.panels.saliency_grid.draft import Cell, ImageDraft

_FLAGS: Final[tuple[Flag, ...]] = get_args(Flag)


def apply(said: ImageDraft, action: ItemAction, evidence: SaliencyEvidence) -> ImageDraft:
    """Return the draft of an image after an action.

    Args:
        said: What was said about the image so far.
        action: What the reviewer did.
        evidence: What is shown.

    Returns:
        The next draft of the image.

    Raises:
        FeedbackError: If the action names what is not shown, or contradicts the draft.
    """
    image_shown(evidence, action.item)
    changed = _changed(said, action, evidence)
    if changed == said or not isinstance(action, ImageAction):
        return changed
    # What was said and taken back leaves nothing behind.
    spent = max(said.seconds_spent, action.seconds) if changed.speaks else 0.0
    return changed.model_copy(update={"seconds_spent": spent})


def image_shown(evidence: SaliencyEvidence, digest: str) -> ImageEvidence:
    """Return an image as it is shown.

    Raises:
        UnknownTargetError: If it is not shown.
    """
    return find_item(evidence.images, lambda shown: shown.image, digest, "an image")


def _changed(said: ImageDraft, action: ItemAction, evidence: SaliencyEvidence) -> ImageDraft:
    if isinstance(action, TurnCell):
        return _turned(said, action, evidence)
    if isinstance(action, TurnFlag):
        return _flagged(said, action.flag)
    if isinstance(action, NameArtefact):
        flagged = said if "artefact" in said.flags else _flagged(said, "artefact")
        return flagged.model_copy(update={"artefact": action.text or None})
    if isinstance(action, Confirm):
        if said.n_marked or said.flags:
            raise ContradictionError(
                f"expected an image without marks and flags to be called right (got "
                f"{said.n_marked} marks, {len(said.flags)} flags); take them back first"
            )
        return said.model_copy(update={"confirmed": not said.confirmed})
    raise TypeError(f"expected an edit of an image (got {type(action).__name__})")


def _turned(said: ImageDraft, action: TurnCell, evidence: SaliencyEvidence) -> ImageDraft:
    if max(action.r, action.c) >= evidence.grid.g:
        raise UnknownTargetError(
            f"expected rows and columns from 0 to {evidence.grid.g - 1} (got {action.r}, "
            f"{action.c}); mark a cell of the grid"
        )
    if action.important and not evidence.allow_important:
        raise ContradictionError(
            "expected a mark of what should not matter (got one of what should); this request "
            "asks for no other"
        )
    cell: Cell = (action.r, action.c)
    irrelevant, important = set(said.irrelevant), set(said.important)
    was_irrelevant, was_important = cell in irrelevant, cell in important
    irrelevant.discard(cell)
    important.discard(cell)
    if not was_important:
        if action.important or (was_irrelevant and evidence.allow_important):
            important.add(cell)
        elif not was_irrelevant:
            irrelevant.add(cell)
    return said.model_copy(
        update={
            "irrelevant": tuple(sorted(irrelevant)),
            "important": tuple(sorted(important)),
            "flags": tuple(flag for flag in said.flags if flag not in EXCLUDES_CELLS),
            "confirmed": False,
        }
    )


def _flagged(said: ImageDraft, flag: Flag) -> ImageDraft:
    if flag in said.flags:
        flags = set(said.flags) - {flag}
    else:
        flags = {flag} if flag == "skip" else {*said.flags, flag} - {"skip"}
    changes: dict[str, object] = {
        "flags": tuple(one for one in _FLAGS if one in flags),
        "confirmed": False,
    }
    if "artefact" not in flags:
        changes["artefact"] = None
    if flags & set(EXCLUDES_CELLS):
        changes |= {"irrelevant": (), "important": ()}
    return said.model_copy(update=changes)
