"""What happens when somebody acts: one message in, the next draft, view and drawing out.

All of it is one callback: the browser waits for one answer, and Dash's own notices of what has
changed, which cost more than the answer, are as few as can be.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dash import (
    ALL,
    ClientsideFunction,
    Dash,
    Input,
    Output,
    State,
    ctx,
    html,
    no_update,
)
from dash.development.base_component import Component
from flask import request

from feedback.errors import ParleyError
from review.acting import Visit, act_on, note, spent_since
from review.catalogue import Catalogue
from review.changes import changes_of
from review.desk import Desk
from review.inbox import page_of, read_closed, read_inbox
from review.inbox_view import closed_view, inbox_view
from review.opened import ADDRESS, DRAFT, REQUESTS, VIEW, read_opened
from review.pieces import Keyed
from review.request_view import frame, marks_of, places_of, shortcuts_view
from review.settings import PageSettings, who_asks

_LOOKS_AGAIN = 2.0
"""Seconds after which the page looks again while a worker computes a preview."""

_LIVE = {"role": "live", "name": ALL}


def register(app: Dash, desk: Desk, settings: PageSettings) -> None:
    """Give the page its behaviour.

    Args:
        app: The page.
        desk: Where requests are read and answered.
        settings: How it is served.
    """
    catalogue = Catalogue(desk)

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
            number = page_of(path or "")
            if number is not None:
                closed = read_closed(catalogue, number, reviewer, now)
                return closed_view(closed, number, reviewer, now), shortcuts_view(None)
            if path not in (None, "/"):
                return _trouble("There is no such page."), shortcuts_view(None)
            inbox = read_inbox(catalogue, reviewer, now)
            return inbox_view(inbox, reviewer, now), shortcuts_view(None)
        except ParleyError as error:
            return _trouble(str(error)), shortcuts_view(None)

    @app.callback(
        Output(DRAFT, "data"),
        Output(VIEW, "data"),
        Output("screen", "data"),
        Output(_LIVE, "children"),
        Input("action", "data"),
        State(DRAFT, "data"),
        State(VIEW, "data"),
        State("opened", "data"),
        State(ADDRESS, "pathname"),
        prevent_initial_call=True,
    )
    def act(message: Any, drafts: list[Any], seen: Any, since: Any, path: str) -> tuple[Any, ...]:
        live = [one["id"]["name"] for one in ctx.outputs_list[3]]
        given = message if isinstance(message, Mapping) else {}
        number, done = given.get("n"), given.get("do")
        if "draft" in given and not _is_same(given["draft"], drafts):
            # Sent again, although what it did has reached the browser meanwhile.
            done = []

        def only(parts: Mapping[str, object]) -> tuple[Any, ...]:
            same = [no_update] * len(drafts), no_update
            return (*same, {"n": number, "parts": parts}, [no_update] * len(live))

        if len(drafts) != 1 or not isinstance(done, list):
            return only({})
        try:
            before = read_opened(desk, path, drafts, seen)
        except ParleyError as error:
            told = _fresh(note(str(error), "refused"), number)
            return only(changes_of({"page-notice": told}, {}, ()).parts)
        now, reviewer = datetime.now(UTC), visitor()
        opened, news = act_on(before, done, Visit(desk, settings, reviewer, now, since))
        standing = desk.recent_standing(opened.shown, reviewer, now)
        places, waits = places_of(desk, opened, standing, reviewer, now, spent_since(since, now))
        drawn = _read_drawn(given.get("drawn"))
        if news is not None:
            places["page-notice"] = _fresh(news, number)
        elif not done:
            # Nothing was done, so what was told last stays.
            drawn.pop("page-notice", None)
        changes = changes_of(places, drawn, live)
        marks = marks_of(opened.shown, opened.draft, opened.view)
        pressed, barred = [*marks.pressed], [*marks.barred]
        return (
            [no_update if opened.draft is before.draft else opened.draft.model_dump(mode="json")],
            no_update if opened.view is before.view else opened.view.model_dump(mode="json"),
            {
                "n": number,
                "parts": changes.parts,
                # Not by Dash, which would still do so with an answer that has come too late.
                "followers": [[dict(one.id), dict(one.props)] for one in changes.followers],
                "again": _LOOKS_AGAIN if waits else None,
                "marks": {"pressed": pressed, "barred": barred, "states": {**marks.states}},
            },
            [changes.live.get(name, no_update) for name in live],
        )

    app.clientside_callback(
        ClientsideFunction("parley", "heard"),
        Output("heard", "data"),
        Input("screen", "data"),
        Input(DRAFT, "data"),
        State("opened", "data"),
    )


def _read_drawn(drawn: object) -> dict[str, str]:
    """Read which digests the browser says it shows; what it does not say is drawn anew."""
    if not isinstance(drawn, Mapping):
        return {}
    return {name: digest for name, digest in drawn.items() if isinstance(digest, str)}


def _is_same(text: object, drafts: list[Any]) -> bool:
    """Tell whether a text is the JSON of the draft."""
    try:
        return isinstance(text, str) and len(drafts) == 1 and bool(json.loads(text) == drafts[0])
    except ValueError:
        return False


def _fresh(news: Component, number: object) -> Keyed:
    # The same words again are news again.
    return Keyed(lambda: html.Div(news, key=str(number)), f"{number}")


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
