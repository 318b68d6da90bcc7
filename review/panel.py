"""What a channel supplies to the page, found by its name in ``review/panels``.

The page around it is the same for all: inbox, frame, list of items, drafts with undo and redo,
previews, and the answer. A panel is a module with the parts below; it is added by adding files.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, cast

from dash import Dash
from dash.development.base_component import Component

import review.panels
from feedback.bundle import ReviewBundle
from feedback.discovery import available_modules, load_module
from feedback.fields import Exchanged, JsonObject
from feedback.previews import Preview
from review.actions import ItemAction, Look
from review.draft import ItemDraft
from review.pieces import Content, Glimpse, Line, Marks, Overview, Places, Shortcut, Words
from review.viewing import View

if TYPE_CHECKING:
    from review.desk import Desk
    from review.shown import AnyShown


class Panel(Protocol):
    """A module of ``review/panels``."""

    DRAFT: type[ItemDraft]
    """Model of what is said about one item."""
    VIEW: type[View]
    """Model of where on the page somebody looks."""
    LOOK: type[Look]
    """Message that leads there."""
    ACTIONS: tuple[type[ItemAction], ...]
    """Messages that change the draft of an item, beside those of every
    page, such as ``Remark`` and ``Reset``."""
    WORDS: Words
    """How the page speaks about the items."""
    SHORTCUTS: tuple[Shortcut, ...]
    """Keys of the panel's own; elements say by ``data-key`` and ``data-steps`` which they take."""

    def read_evidence(self, bundle: ReviewBundle) -> Exchanged:
        """Read what is shown; raises pydantic's ``ValidationError`` when it cannot be read."""
        ...

    def look(self, view: View, action: Look, evidence: Exchanged) -> View:
        """Return the view after looking elsewhere; an item that is named exists."""
        ...

    def apply(self, said: ItemDraft, action: ItemAction, evidence: Exchanged) -> ItemDraft:
        """Return the draft of an item after one of ``ACTIONS``; pure.

        Raises:
            FeedbackError: If the action names what is not shown, or contradicts the draft.
        """
        ...

    def response_of(self, item: str, said: ItemDraft, evidence: Exchanged) -> Exchanged:
        """Return the response of an item about which the draft speaks.

        Raises:
            FeedbackError: If the draft holds more than a response may.
        """
        ...

    def draft_of(self, response: JsonObject, evidence: Exchanged) -> tuple[str, ItemDraft] | None:
        """Return the item of a response, and the draft that says it; what ``response_of`` undoes.

        Args:
            response: One that was handed in for the same evidence, maybe by other means.
            evidence: What is shown.

        Returns:
            Item and draft; None for a response that nobody can go on from.

        Raises:
            FeedbackError: If it does not follow the channel's schema, or names what is not shown.
        """
        ...

    def check(self, responses: Sequence[Exchanged], evidence: Exchanged) -> tuple[str, ...]:
        """Judge responses by the rules of an upload, and return what the gate would warn of.

        Raises:
            FeedbackError: If the gate would refuse them.
        """
        ...

    def told(self, item: str, said: ItemDraft, evidence: Exchanged) -> Sequence[Line]:
        """Tell in words what an item's response says; its remark is told by the page."""
        ...

    def glimpse(self, shown: "AnyShown") -> Glimpse:
        """Tell the inbox what a request is about."""
        ...

    def notes(self, shown: "AnyShown") -> Mapping[str, str]:
        """Tell in a word how each item stands, by id, for the list of items."""
        ...

    def overview(self, shown: "AnyShown") -> Overview:
        """Show the request as a whole."""
        ...

    def layout(self) -> Sequence[Component]:
        """Make the places that ``parts_of`` fills, see ``review.parts``."""
        ...

    def parts_of(self, shown: "AnyShown", said: ItemDraft, view: View) -> Places:
        """Show the item that is looked at, by place; what is slow to make as ``Keyed``."""
        ...

    def marks_of(self, shown: "AnyShown", said: ItemDraft, view: View) -> Marks:
        """Tell which of the item's buttons are selected, and which are hidden."""
        ...

    def printed(self, shown: "AnyShown", item: str) -> Content:
        """Show an item on a page without a server, which sends nothing, see ``review.offline``.

        Buttons that send actions become plain parts there; answers are written from
        ``review.offline.choices``.
        """
        ...

    def tools(self, view: View, n_edits: int) -> Sequence[Component]:
        """Make the panel's own buttons of the bar at the foot of the page."""
        ...

    def value_told(self, shown: "AnyShown", target: str, value: str) -> Content:
        """Show one side of a difference from the champion, in words or with a picture."""
        ...

    def effect_told(self, found: Preview) -> Sequence[Component]:
        """Tell what edits would do; asked only where ``WORDS.previews``."""
        ...

    def register(self, app: Dash, desk: "Desk") -> None:
        """Give the panel callbacks of its own, see ``review.opened``; most need none."""
        ...


PARTS = (
    "DRAFT", "VIEW", "LOOK", "ACTIONS", "WORDS", "SHORTCUTS", "read_evidence", "look", "apply",
    "response_of", "draft_of", "check", "told", "glimpse", "notes", "overview", "layout",
    "parts_of", "marks_of", "printed", "tools", "value_told", "effect_told", "register",
)  # fmt: skip


def available_panels() -> tuple[str, ...]:
    """Return the names of the channels that the page can show, sorted."""
    return available_modules(review.panels)


def load_panel(name: str) -> Panel:
    """Import a channel's panel.

    Args:
        name: Name of its file.

    Returns:
        The module.

    Raises:
        UnknownChannelError: If there is no such file.
        IncompleteChannelError: If the module lacks a part.
    """
    return cast(Panel, load_module(review.panels, name, PARTS, "name a channel that has a panel"))
