"""What a browser has open, read back from what it keeps; callbacks of panels read it here too."""

from dataclasses import dataclass
from typing import Any

from dash import ALL

from review.desk import Desk
from review.draft import Draft, ItemDraft, read_draft
from review.shown import AnyShown
from review.viewing import View, read_view

ADDRESS = "address"
"""Id of the page's address, whose ``pathname`` names the request."""

VIEW = "view"
"""Id of the store that holds where somebody looks."""

DRAFT: dict[str, Any] = {"role": "draft", "digest": ALL}
"""Id of the store that holds the draft; there is one on the page of a request, none elsewhere."""

REQUESTS = "/requests/"
"""Addresses of requests start so."""


@dataclass(frozen=True)
class Opened:
    """What is open: the request, this reviewer's draft, and where they look."""

    shown: AnyShown
    draft: Draft[ItemDraft]
    view: View

    @property
    def said(self) -> ItemDraft:
        """What was said about the item that is looked at; nothing while none is."""
        if self.view.item is None:
            return self.shown.panel.DRAFT()
        return self.shown.said(self.draft, self.view.item)


def read_opened(desk: Desk, path: str, drafts: list[Any], seen: Any) -> Opened:
    """Read what the browser says is open.

    Args:
        desk: Where requests are read.
        path: The page's address.
        drafts: What the draft's store holds, in a list of one.
        seen: What the view's store holds.

    Returns:
        What is open; an item that the request does not hold is not looked at.

    Raises:
        ParleyError: If the request cannot be read.
    """
    shown = desk.open(path.removeprefix(REQUESTS))
    kept = read_draft(drafts[0], shown.panel.DRAFT, shown.digest)
    draft = shown.first_draft() if kept is None else kept
    view = read_view(seen, shown.panel.VIEW)
    if view.item is not None and view.item not in shown.titles:
        view = view.model_copy(update={"item": None})
    return Opened(shown, draft, view)
