"""Joining the edits of several approvers, or naming what they disagree on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from feedback.answer import Answer, Edit


@dataclass(frozen=True)
class Merge:
    """Edits that may go on together.

    Attributes:
        agreed: One edit per target that nobody contests, by target.
        conflicts: Targets that were edited in two ways, sorted; none of their edits is in
            ``agreed``.
    """

    agreed: Mapping[str, Edit]
    conflicts: tuple[str, ...]


def merge_edits(approvals: Iterable[Answer]) -> Merge:
    """Join approvers' edits target by target.

    An approver who says nothing about a target leaves it to the others. Two who edit it alike
    agree, whatever their remarks; two who edit it differently conflict, and neither edit is taken.

    Args:
        approvals: Approving answers, one per reviewer, in any order.

    Returns:
        The same for every order.
    """
    by_target: dict[str, dict[bytes, Edit]] = {}
    # Of equal edits the first reviewer's, by name, is kept: the remarks in it are hers.
    for answer in sorted(approvals, key=lambda answer: (answer.reviewer, answer.key)):
        for edit in answer.edits:
            by_target.setdefault(edit.target, {}).setdefault(edit.content, edit)
    conflicts = sorted(target for target, edits in by_target.items() if len(edits) > 1)
    agreed = {
        target: next(iter(by_target[target].values()))
        for target in sorted(by_target)
        if target not in conflicts
    }
    return Merge(agreed, tuple(conflicts))
