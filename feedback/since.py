"""What a request holds about the champion: how it scores, and how its evidence was edited.

Written when the request is published and shown with it; what is champion later changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Annotated, ClassVar

from pydantic import Field

from feedback.fields import Comment, Exchanged, Grown, Name, Reason, Share


class ComparedAccuracy(Exchanged):
    """Accuracy on the test images of one class, or the mean over the classes of a group."""

    name: Name
    """Class or group."""
    is_group: bool = False
    """Whether it is a group of classes."""
    champion: Share | None = None
    """The champion's, as it was measured when it was registered; None when that is not known."""
    shown: Share | None = None
    """That of the network that is explained; None for a class without test images."""


class Difference(Exchanged):
    """One thing that the champion has otherwise than what is shown."""

    target: Name
    """What it belongs to, such as a class."""
    part: Reason
    """Which part of it, such as a slot or an edge."""
    champion: Reason
    """As the champion has it."""
    shown: Reason
    """As it is shown."""
    reason: Reason = ""
    """Why a reviewer changed it for the champion."""


class SinceChampion(Grown):
    """The champion beside what is shown."""

    LATER: ClassVar = ("unattended",)

    dataset_md5: Annotated[str, Field(max_length=36)] | None = None
    """DVC's md5 of the champion's dataset; None when that is not known."""
    accuracies: tuple[ComparedAccuracy, ...] = Field(default=(), max_length=10_010)
    """Groups first, then classes."""
    differences: tuple[Difference, ...] = Field(default=(), max_length=10_000)
    """What the champion has otherwise."""
    remark: Comment = ""
    """What could not be compared, and why."""
    unattended: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """Reviews of the model since the last that people approved: approved by rule, or open still
    when this request was published; None where nobody counted, or people have objected since."""


@dataclass(frozen=True)
class Scores:
    """Accuracies of a network before its correction.

    Attributes:
        per_class: Accuracy on the test images of each class that has some, by name.
        groups: Names of the classes of each group.
    """

    per_class: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Classes that have test images, then the others of the groups, each once."""
        return tuple(dict.fromkeys((*self.per_class, *chain.from_iterable(self.groups.values()))))


def compare_accuracies(
    shown: Scores, champion: Mapping[str, float]
) -> tuple[ComparedAccuracy, ...]:
    """Set two networks' accuracies side by side, on the same groups of classes.

    A group counts its classes that have test images now; the champion's mean over them is known
    when it was measured on every one.

    Args:
        shown: The network that is explained.
        champion: The champion's accuracy by class, as far as it is known.

    Returns:
        Groups with a class that has test images, then the classes: those that have test images,
        and those of the groups that have none now, of which nothing is known.
    """
    rows = []
    for group, members in shown.groups.items():
        known = [name for name in members if name in shown.per_class]
        if known:
            theirs = [champion[name] for name in known if name in champion]
            rows.append(
                ComparedAccuracy(
                    name=group,
                    is_group=True,
                    champion=_mean(theirs) if len(theirs) == len(known) else None,
                    shown=_mean([shown.per_class[name] for name in known]),
                )
            )
    return (
        *rows,
        *(
            ComparedAccuracy(
                name=name, champion=champion.get(name), shown=shown.per_class.get(name)
            )
            for name in shown.names
        ),
    )


def _mean(values: list[float]) -> float:
    # Rounding must not carry a mean of ones past one.
    return min(1.0, sum(values) / len(values))
