"""The parts of a policy that are off unless its file asks for them."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from feedback.fields import Exchanged, Name, Share

Hours = Annotated[float, Field(gt=0, le=8760)]
"""A duration, hours, at most a year."""

Seconds = Annotated[float, Field(ge=0, le=86_400)]
"""A duration, seconds, at most a day."""


class AutoApprove(Exchanged):
    """Which requests are approved by rule when nobody answers in time.

    All conditions must be known to hold; none has a default, so that whoever opts in has said what
    low risk is. ``feedback/low_risk.py`` judges them.
    """

    after_hours: Hours
    """Time in which any answer leaves the request to people, hours after publishing."""
    max_edits: Annotated[int, Field(ge=1, le=1000)]
    """Most edits of earlier reviews that may be repeated at once."""
    min_similarity: Share
    """How alike what was approved then and what is shown now must be."""
    classes: tuple[Name, ...] | Literal["any"] = Field(union_mode="left_to_right")
    """Classes that may be edited by rule; ``any`` for all, known or not."""
    max_drop: Share
    """How far the accuracy of any group of classes may lie below the champion's."""
    max_class_drop: Share
    """How far the accuracy of any class may lie below the champion's."""
    max_in_a_row: Annotated[int, Field(ge=1, le=100)]
    """Approvals by rule after which a person has to decide."""

    @model_validator(mode="after")
    def _names_classes(self) -> Self:
        if not self.classes:
            raise ValueError("expected names of classes, or 'any' (got none); name some")
        return self


class Attention(Exchanged):
    """The least time that an approval must say it took.

    The times are the reviewer's own account: this is against haste, not against deceit.
    """

    seconds: Seconds = 0.0
    """On the whole request."""
    seconds_per_item: Seconds = 0.0
    """On each item that must have been opened."""
    items: Literal["answered", "all"] = "answered"
    """Which items must have been opened, where ``seconds_per_item`` is above 0: those that the
    answer speaks of, or every one."""

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not (self.seconds or self.seconds_per_item):
            raise ValueError(
                "expected seconds or seconds_per_item above 0 (got neither); say how long, or drop "
                "attention"
            )
        return self
