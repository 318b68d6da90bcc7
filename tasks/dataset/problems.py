"""What can be wrong with a dataset, as data: one record per finding."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "unreadable",
    "too_many_pixels",
    "outside",
    "collision",
    "duplicate",
    "duplicate_across_splits",
    "duplicate_across_classes",
    "empty_class",
    "single_image_class",
    "class_not_in_train",
    "class_not_in_test",
    "too_few_classes",
    "mask_unreadable",
    "mask_size",
    "mask_values",
    "no_image",
]


@dataclass(frozen=True)
class Problem:
    """One finding about a dataset.

    Attributes:
        kind: What is wrong.
        path: File or folder relative to the root; the one to leave out, when leaving out helps.
        message: What was expected, what was got, and the remedy.
        fatal: Whether leaving out the file cannot mend it, so that an import is always refused.
    """

    kind: Kind
    path: str
    message: str
    fatal: bool = False

    @property
    def is_harmless(self) -> bool:
        """Whether the file plays no part anyway, so that it stops nothing."""
        return self.kind == "no_image"

    @property
    def is_idle(self) -> bool:
        """Whether a run may go on with it: useless, or there twice, and counted as often."""
        return self.is_harmless or self.kind == "duplicate"

    @property
    def concerns_mask(self) -> bool:
        """Whether leaving out a mask mends it and the image may stay."""
        return self.kind.startswith("mask_")


def blocking(problems: list[Problem], *, skip: bool) -> list[Problem]:
    """Return the problems that forbid an import.

    Args:
        problems: All findings.
        skip: Whether files with problems may be left out.

    Returns:
        The fatal ones, and without ``skip`` all that are not harmless.
    """
    return [p for p in problems if p.fatal or not (skip or p.is_harmless)]
