"""Joining the edits of several approvers, or naming what they disagree on."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from feedback.answer import Answer, Edit

Joiner = Callable[[Sequence[Edit]], Edit | None]
"""Makes one edit of several of one target, one per approver in the order of their names; None when
they exclude each other."""


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


def merge_edits(approvals: Iterable[Answer], join: Joiner | None = None) -> Merge:
    """Join approvers' edits target by target.

    An approver who says nothing about a target leaves it to the others. Two who edit it alike
    agree, whatever their remarks; two who edit it differently conflict, and neither edit is taken,
    unless the channel makes one edit of both.

    Args:
        approvals: Approving answers, one per reviewer, in any order.
        join: Makes one edit of several; None never does.

    Returns:
        The same for every order.
    """
    by_target: dict[str, list[Edit]] = {}
    # Of equal edits the first reviewer's, by name, is kept: the remarks in it are hers.
    for answer in sorted(approvals, key=lambda answer: (answer.reviewer, answer.key)):
        for edit in answer.edits:
            by_target.setdefault(edit.target, []).append(edit)
    agreed: dict[str, Edit] = {}
    conflicts: list[str] = []
    for target, edits in sorted(by_target.items()):
        joined: Edit | None = edits[0]
        if len({edit.content for edit in edits}) > 1:
            joined = join(edits) if join is not None else None
        if joined is None:
            conflicts.append(target)
        else:
            agreed[target] = joined
    return Merge(agreed, tuple(conflicts))
