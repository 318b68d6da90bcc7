"""Where a reviewer is looking: at which item, and how they are about to answer.

A panel adds the places of its own page in a subclass.
"""

from typing import TypeVar

from pydantic import Field, ValidationError

from feedback.canonical import canonical_json
from feedback.document import MOST_SECONDS, Seconds
from feedback.fields import Exchanged, Name
from review.actions import Look, Verdict


class View(Exchanged):
    """What the page shows of a request."""

    item: Name | None = None
    """Item that is looked at; None shows the overview."""
    verdict: Verdict | None = None
    """Answer that is about to be given."""
    preview: str | None = None
    """Digest of the edits whose effect was asked for."""
    asked_at: float = 0.0
    """When, seconds since 1970."""
    sent: str | None = None
    """Name of the answer that was handed in."""
    seconds: dict[Name, Seconds] = Field(default_factory=dict, max_length=10_000)
    """How long each item was open since the page was opened, without the present stay, seconds."""
    since: float = 0.0
    """When the present item was turned to, seconds since 1970."""

    def seconds_by_item(self, now: float) -> dict[str, float]:
        """Return how long each item was open, with the present stay; unopened ones are left out.

        Args:
            now: Seconds since 1970.
        """
        if self.item is None or not 0 <= now - self.since <= MOST_SECONDS:
            return dict(self.seconds)
        stayed = round(self.seconds.get(self.item, 0.0) + now - self.since, 1)
        return {**self.seconds, self.item: min(stayed, MOST_SECONDS)}


Seen = TypeVar("Seen", bound=View)


def read_view(data: object, model: type[Seen]) -> Seen:
    """Read what the browser says it shows.

    Args:
        data: JSON value.
        model: The panel's view.

    Returns:
        The view; one from the start when it cannot be read.
    """
    try:
        return model.model_validate_json(canonical_json(data), strict=True)
    except (ValidationError, ValueError, TypeError):
        return model()


def turned(before: Seen, after: Seen, now: float) -> Seen:
    """Note how long the item was open that is turned away from.

    Args:
        before: Where somebody looked.
        after: Where they look now.
        now: Seconds since 1970.
    """
    if before.item == after.item:
        return after
    return after.model_copy(update={"seconds": before.seconds_by_item(now), "since": now})


def look_at(view: Seen, action: Look) -> Seen:
    """Return the view after turning to another item, or back to the overview.

    Args:
        view: The view so far.
        action: What is looked at.

    Returns:
        The next view; its other places stay as they are.
    """
    if action.is_back:
        return view.model_copy(update={"item": None})
    return view if action.item is None else view.model_copy(update={"item": action.item})
