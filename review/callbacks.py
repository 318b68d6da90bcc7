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
from review.answer_view import answer_dialog, bar, send_row
from review.desk import Desk, Shown
from review.draft import ClassDraft, Draft, read_draft
from review.editing import apply, class_shown
from review.graph_view import graph_elements
from review.inbox_view import inbox_view, read_inbox
from review.previewing import ask_preview, preview_view
from review.request_view import PARTS, frame, marks_of, parts_of, standing_view
from review.settings import PageSettings, who_asks
from review.submitting import hand_in
from review.viewing import View, in_bounds, look, read_view

logger = logging.getLogger(__name__)

_PREFIX = "/requests/"
_DRAFT = {"role": "draft", "digest": ALL}
_GRAPH = {"role": "graph", "which": ALL}


def register(app: Dash, desk: Desk, settings: PageSettings) -> None:
    """Give the page its behaviour.

    Args:
        app: The page.
        desk: Where requests are read and answered.
        settings: How it is served.
    """

    def visitor() -> str:
        return who_asks(settings, request.headers.get, request.remote_addr)

    @app.callback(Output("page", "children"), Input("address", "pathname"))
    def show_page(path: str | None) -> Component:
        now = datetime.now(UTC)
        try:
            reviewer = visitor()
            if path and path.startswith(_PREFIX):
                shown = desk.open(path.removeprefix(_PREFIX))
                return frame(shown, desk.standing(shown, reviewer, now), now)
            if path not in (None, "/"):
                return _trouble("There is no such page.")
            return inbox_view(read_inbox(desk, reviewer, now), reviewer, now)
        except ParleyError as error:
            return _trouble(str(error))

    @app.callback(
        Output(_DRAFT, "data"),
        Output("view", "data"),
        Output("notice", "children"),
        Output("answered", "data"),
        Input("action", "data"),
        State(_DRAFT, "data"),
        State("view", "data"),
        State("opened", "data"),
        State("address", "pathname"),
        prevent_initial_call=True,
    )
    def act(message: Any, drafts: list[Any], seen: Any, opened: Any, path: str) -> tuple[Any, ...]:
        number = message.get("n") if isinstance(message, dict) else None
        if not isinstance(message, dict) or len(drafts) != 1:
            return [no_update] * len(drafts), no_update, no_update, number
        told: Any = ""
        try:
            shown = desk.open(path.removeprefix(_PREFIX))
        except ParleyError as error:
            return [no_update], no_update, _note(str(error), "refused"), number
        draft, view = read_draft(drafts[0], shown.digest), read_view(seen)
        after, viewed = draft, view
        done = message.get("do")
        try:
            for one in done if isinstance(done, list) else [done]:
                after, viewed, told = _acted(shown, after, viewed, one, opened)
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
        shown: Shown, draft: Draft, view: View, message: object, opened: object
    ) -> tuple[Draft, View, Any]:
        action = read_action(message)
        if isinstance(action, Look):
            return draft, look(view, action, shown.evidence), ""
        if isinstance(action, ChooseVerdict):
            return draft, view.model_copy(update={"verdict": action.verdict}), ""
        now = datetime.now(UTC)
        if isinstance(action, AskPreview):
            digest = ask_preview(desk, shown, draft, reviewer=visitor(), now=now)
            update = {"preview": digest, "asked_at": now.timestamp()}
            return draft, view.model_copy(update=update), ""
        if isinstance(action, Send):
            spent = time.time() - opened if isinstance(opened, int | float) else None
            sent = hand_in(
                desk, shown, draft, view.verdict or "request_changes",
                settings=settings, reviewer=visitor(), now=now,
                seconds_spent=spent if spent is not None and 0 <= spent <= 1e7 else None,
            )  # fmt: skip
            told = _note(f"Your answer is handed in as {sent.key}.", "sent")
            return draft, view.model_copy(update={"verdict": None, "sent": sent.nonce}), told
        return apply(draft, action, shown.evidence), view, ""

    @app.callback(
        [Output(part, "children") for part in PARTS],
        Output("drawn", "data"),
        Output("marks", "data"),
        Input(_DRAFT, "data"),
        Input("view", "data"),
        State("drawn", "data"),
        State("address", "pathname"),
    )
    def redraw(drafts: list[Any], seen: Any, drawn: Any, path: str) -> tuple[Any, ...]:
        shown, draft, view = _opened(desk, path, drafts, seen)
        now, reviewer = datetime.now(UTC), visitor()
        standing = desk.recent_standing(shown, reviewer, now)
        parts = parts_of(shown, draft, view, standing, reviewer, now)
        # Dash builds whatever it is given from nothing, so only what has changed is given.
        digests = {name: _digest(name, part, view) for name, part in parts.items()}
        before = drawn if isinstance(drawn, dict) else {}
        changed = [
            no_update if before.get(name) == digests.get(name) else parts.get(name)
            for name in PARTS
        ]
        return *changed, digests, marks_of(shown, draft, view)

    @app.callback(
        Output(_GRAPH, "elements"),
        Input(_DRAFT, "data"),
        Input("view", "data"),
        State("address", "pathname"),
        prevent_initial_call=True,
    )
    def redraw_graph(drafts: list[Any], seen: Any, path: str) -> list[Any]:
        shown, draft, view = _opened(desk, path, drafts, seen)
        drawings = ctx.outputs_list
        if view.class_name is None:
            return [no_update] * len(drawings)
        evidence = class_shown(shown.evidence, view.class_name)
        view, said = in_bounds(view, evidence), draft.of(evidence.class_name)
        return [
            graph_elements(
                shown, evidence, said if drawing["id"]["which"] == "after" else ClassDraft(), view
            )
            for drawing in drawings
        ]

    @app.callback(
        Output("standing", "children"),
        Output("bar", "children"),
        Output("dialog", "children"),
        Output("preview-place", "children"),
        Output("send-place", "children"),
        Output("tick", "disabled"),
        Input(_DRAFT, "data"),
        Input("view", "data"),
        Input("tick", "n_intervals"),
        State("address", "pathname"),
    )
    def redraw_answer(drafts: list[Any], seen: Any, _ticks: Any, path: str) -> tuple[Any, ...]:
        shown, draft, view = _opened(desk, path, drafts, seen)
        reviewer = visitor()
        standing = desk.recent_standing(shown, reviewer, datetime.now(UTC))
        preview, waits = preview_view(desk, shown, draft, view, time.time())
        if ctx.triggered_id == "tick":
            # The rest stays: somebody may be writing a comment while a worker computes.
            return no_update, no_update, no_update, preview, no_update, not waits
        return (
            standing_view(standing),
            bar(draft, view, standing),
            answer_dialog(shown, draft, view, standing),
            preview if standing.takes_answers else None,
            send_row(draft, view, standing, reviewer),
            not waits,
        )

    # Taps on the drawing; the drawing itself gets nothing back.
    for name, tapped, drawn in (
        ("tapNode", "tapNodeData", "tapped-node"),
        ("tapEdge", "tapEdgeData", "tapped-edge"),
    ):
        app.clientside_callback(
            ClientsideFunction("parley", name), Output(drawn, "data"), Input(_GRAPH, tapped)
        )
    app.clientside_callback(
        ClientsideFunction("parley", "answered"), Output("heard", "data"), Input("answered", "data")
    )
    app.clientside_callback(
        ClientsideFunction("parley", "mark"), Output("marked", "data"), Input("marks", "data")
    )


def _opened(desk: Desk, path: str, drafts: list[Any], seen: Any) -> tuple[Shown, Draft, View]:
    """Return what the browser says is open: the request, this reviewer's draft, where they look."""
    shown = desk.open(path.removeprefix(_PREFIX))
    return shown, read_draft(drafts[0], shown.digest), read_view(seen)


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


def _digest(name: str, part: object, view: View) -> str:
    if name == "figures":
        # Drawings are changed in place, which keeps them from flickering.
        return f"{view.class_name} {view.compare}"
    return sha256_hex(json.dumps(part, cls=PlotlyJSONEncoder).encode())


def _note(text: str, tone: str) -> Component:
    return html.P(text, className=f"note {tone}")
