"""What happens when somebody acts: one message in, the next draft and view out, drawn anew."""

import json
import logging
import time
from datetime import UTC, datetime
from typing import Any

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, html, no_update
from dash.development.base_component import Component
from flask import request
from plotly.utils import PlotlyJSONEncoder

from feedback.canonical import sha256_hex
from feedback.errors import ParleyError
from review.actions import AskPreview, ChooseVerdict, Look, Send, read_action
from review.answer_view import answer_dialog, send_row
from review.bar_view import bar
from review.desk import Desk
from review.draft import Draft, ItemDraft
from review.editing import apply
from review.inbox_view import inbox_view, read_inbox
from review.opened import ADDRESS, DRAFT, REQUESTS, VIEW, read_opened
from review.pieces import Keyed
from review.previewing import ask_preview, preview_view
from review.request_view import frame, marks_of, parts_of, shortcuts_view, standing_view
from review.settings import PageSettings, who_asks
from review.shown import AnyShown
from review.submitting import hand_in
from review.viewing import View

logger = logging.getLogger(__name__)

_PLACES = {"role": "place", "name": ALL}


def register(app: Dash, desk: Desk, settings: PageSettings) -> None:
    """Give the page its behaviour.

    Args:
        app: The page.
        desk: Where requests are read and answered.
        settings: How it is served.
    """

    def visitor() -> str:
        return who_asks(settings, request.headers.get, request.remote_addr)

    @app.callback(
        Output("page", "children"),
        Output("shortcuts", "children"),
        Input(ADDRESS, "pathname"),
    )
    def show_page(path: str | None) -> tuple[Component, list[Component]]:
        now = datetime.now(UTC)
        try:
            reviewer = visitor()
            if path and path.startswith(REQUESTS):
                shown = desk.open(path.removeprefix(REQUESTS))
                page = frame(shown, desk.standing(shown, reviewer, now), now)
                return page, shortcuts_view(shown)
            if path not in (None, "/"):
                return _trouble("There is no such page."), shortcuts_view(None)
            return inbox_view(read_inbox(desk, reviewer, now), reviewer, now), shortcuts_view(None)
        except ParleyError as error:
            return _trouble(str(error)), shortcuts_view(None)

    @app.callback(
        Output(DRAFT, "data"),
        Output(VIEW, "data"),
        Output("notice", "children"),
        Output("answered", "data"),
        Input("action", "data"),
        State(DRAFT, "data"),
        State(VIEW, "data"),
        State("opened", "data"),
        State(ADDRESS, "pathname"),
        prevent_initial_call=True,
    )
    def act(message: Any, drafts: list[Any], seen: Any, since: Any, path: str) -> tuple[Any, ...]:
        number = message.get("n") if isinstance(message, dict) else None
        if not isinstance(message, dict) or len(drafts) != 1:
            return [no_update] * len(drafts), no_update, no_update, number
        told: Any = ""
        try:
            opened = read_opened(desk, path, drafts, seen)
        except ParleyError as error:
            return [no_update], no_update, _note(str(error), "refused"), number
        shown, draft, view = opened.shown, opened.draft, opened.view
        after, viewed = draft, view
        done = message.get("do")
        try:
            for one in done if isinstance(done, list) else [done]:
                after, viewed, told = _acted(shown, after, viewed, one, since)
        except ParleyError as error:
            # What came before it stays; what was meant to follow it is not done.
            told = _note(str(error), "refused")
        return (
            [after.model_dump(mode="json")] if after is not draft else [no_update],
            viewed.model_dump(mode="json") if viewed is not view else no_update,
            told,
            number,
        )

    def _acted(
        shown: AnyShown, draft: Draft[ItemDraft], view: View, message: object, since: object
    ) -> tuple[Draft[ItemDraft], View, Any]:
        panel = shown.panel
        action = read_action(message, panel.LOOK, panel.ACTIONS)
        if isinstance(action, Look):
            if action.item is not None:
                shown.check_item(action.item)
            return draft, panel.look(view, action, shown.evidence), ""
        if isinstance(action, ChooseVerdict):
            return draft, view.model_copy(update={"verdict": action.verdict}), ""
        now = datetime.now(UTC)
        if isinstance(action, AskPreview):
            digest = ask_preview(desk, shown, draft, reviewer=visitor(), now=now)
            update = {"preview": digest, "asked_at": now.timestamp()}
            return draft, view.model_copy(update=update), ""
        if isinstance(action, Send):
            spent = time.time() - since if isinstance(since, int | float) else None
            sent = hand_in(
                desk, shown, draft, view.verdict or "request_changes",
                settings=settings, reviewer=visitor(), now=now,
                seconds_spent=spent if spent is not None and 0 <= spent <= 1e7 else None,
            )  # fmt: skip
            told = _note(f"Your answer is handed in as {sent.key}.", "sent")
            return draft, view.model_copy(update={"verdict": None, "sent": sent.nonce}), told
        return apply(draft, action, shown), view, ""

    @app.callback(
        Output(_PLACES, "children"),
        Output("drawn", "data"),
        Output("marks", "data"),
        Input(DRAFT, "data"),
        Input(VIEW, "data"),
        State("drawn", "data"),
        State(ADDRESS, "pathname"),
    )
    def redraw(drafts: list[Any], seen: Any, drawn: Any, path: str) -> tuple[Any, ...]:
        opened = read_opened(desk, path, drafts, seen)
        shown, draft, view = opened.shown, opened.draft, opened.view
        now, reviewer = datetime.now(UTC), visitor()
        standing = desk.recent_standing(shown, reviewer, now)
        parts = parts_of(shown, draft, view, standing, reviewer, now)
        # Dash builds whatever it is given from nothing, so only what has changed is given.
        digests = {name: _digest(part) for name, part in parts.items()}
        before = drawn if isinstance(drawn, dict) else {}
        places = [place["id"]["name"] for place in ctx.outputs_list[0]]
        changed = [
            no_update if before.get(name) == digests.get(name) else _content(parts.get(name))
            for name in places
        ]
        marks = marks_of(shown, draft, view)
        told = {"pressed": [*marks.pressed], "barred": [*marks.barred], "states": {**marks.states}}
        return changed, digests, told

    @app.callback(
        Output("standing", "children"),
        Output("bar", "children"),
        Output("dialog", "children"),
        Output("preview-place", "children"),
        Output("send-place", "children"),
        Output("tick", "disabled"),
        Input(DRAFT, "data"),
        Input(VIEW, "data"),
        Input("tick", "n_intervals"),
        State(ADDRESS, "pathname"),
    )
    def redraw_answer(drafts: list[Any], seen: Any, _ticks: Any, path: str) -> tuple[Any, ...]:
        opened = read_opened(desk, path, drafts, seen)
        shown, draft, view = opened.shown, opened.draft, opened.view
        reviewer = visitor()
        standing = desk.recent_standing(shown, reviewer, datetime.now(UTC))
        preview, waits = preview_view(desk, shown, draft, view, time.time())
        if ctx.triggered_id == "tick":
            # The rest stays: somebody may be writing a comment while a worker computes.
            return no_update, no_update, no_update, preview, no_update, not waits
        return (
            standing_view(standing),
            bar(shown, draft, view, standing),
            answer_dialog(shown, draft, view, standing),
            preview if standing.takes_answers else None,
            send_row(draft, view, standing, reviewer),
            not waits,
        )

    app.clientside_callback(
        ClientsideFunction("parley", "answered"), Output("heard", "data"), Input("answered", "data")
    )
    app.clientside_callback(
        ClientsideFunction("parley", "mark"), Output("marked", "data"), Input("marks", "data")
    )


def _trouble(text: str) -> Component:
    return html.Main(
        [
            html.H1("This cannot be shown"),
            html.P(text, className="warning"),
            html.A("Inbox", href="/"),
        ],
        id="content",
        className="inbox",
    )


def _digest(part: object) -> str:
    if isinstance(part, Keyed):
        return part.key
    return sha256_hex(json.dumps(part, cls=PlotlyJSONEncoder).encode())


def _content(part: object) -> object:
    return part.content if isinstance(part, Keyed) else part


def _note(text: str, tone: str) -> Component:
    return html.P(text, className=f"note {tone}")
