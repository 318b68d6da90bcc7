"""What a message does: the next draft and view, or an answer that is handed in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dash import html
from dash.development.base_component import Component

from feedback.document import MOST_SECONDS
from feedback.errors import ParleyError
from review.actions import AskPreview, ChooseVerdict, Look, Send, read_action
from review.desk import Desk
from review.editing import apply
from review.opened import Opened
from review.previewing import ask_preview
from review.settings import PageSettings
from review.submitting import hand_in
from review.viewing import turned


@dataclass(frozen=True)
class Visit:
    """Who acts.

    Attributes:
        desk: Where requests are read and answered.
        settings: How the page is served.
        reviewer: Name of whoever acts.
        now: When.
        since: When they opened the request, seconds since 1970, as far as the browser knows.
    """

    desk: Desk
    settings: PageSettings
    reviewer: str
    now: datetime
    since: object


def act_on(
    opened: Opened, messages: Sequence[object], visit: Visit
) -> tuple[Opened, Component | None]:
    """Do what messages say, in their order, up to the first that is refused.

    Args:
        opened: What is open.
        messages: JSON values of the browser.
        visit: Who acts.

    Returns:
        What is open then, and what is to be told.
    """
    told: Component | None = None
    try:
        for message in messages:
            opened, told = _done(opened, message, visit)
    except ParleyError as error:
        # What came before it stays; what was meant to follow it is not done.
        return opened, note(str(error), "refused")
    return opened, told


def spent_since(since: object, now: datetime) -> float | None:
    """Return the seconds since a moment that a browser tells; None for one that cannot be."""
    spent = now.timestamp() - since if isinstance(since, int | float) else None
    return spent if spent is not None and 0 <= spent <= MOST_SECONDS else None


def note(text: str, tone: str) -> Component:
    """Make a note that is shown for a while."""
    return html.P(text, className=f"note {tone}")


def _done(opened: Opened, message: object, visit: Visit) -> tuple[Opened, Component | None]:
    shown, draft, view = opened.shown, opened.draft, opened.view
    panel = shown.panel
    action = read_action(message, panel.LOOK, panel.ACTIONS)
    if isinstance(action, Look):
        if action.item is not None:
            shown.check_item(action.item)
        after = panel.look(view, action, shown.evidence)
        return replace(opened, view=turned(view, after, visit.now.timestamp())), None
    if isinstance(action, ChooseVerdict):
        chosen = view.model_copy(update={"verdict": action.verdict})
        return replace(opened, view=chosen), None
    if isinstance(action, AskPreview):
        digest = ask_preview(visit.desk, shown, draft, reviewer=visit.reviewer, now=visit.now)
        asked = {"preview": digest, "asked_at": visit.now.timestamp()}
        return replace(opened, view=view.model_copy(update=asked)), None
    if isinstance(action, Send):
        sent = hand_in(
            visit.desk, shown, draft, view.verdict or "request_changes",
            settings=visit.settings, reviewer=visit.reviewer, now=visit.now,
            seconds_spent=spent_since(visit.since, visit.now),
            seconds_by_item=view.seconds_by_item(visit.now.timestamp()),
        )  # fmt: skip
        after = view.model_copy(update={"verdict": None, "sent": sent.nonce})
        return replace(opened, view=after), note(f"Your answer is handed in as {sent.key}.", "sent")
    return replace(opened, draft=apply(draft, action, shown)), None
