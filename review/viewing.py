"""Where a reviewer is looking: at which item, and how they are about to answer.

A panel adds the places of its own page in a subclass.
"""

from typing import TypeVar

from pydantic import ValidationError

from feedback.canonical import canonical_json
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
