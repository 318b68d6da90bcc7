"""The inbox: open requests first, what is closed folded away below."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dash import dcc, html
from dash.development.base_component import Component

from feedback.errors import ParleyError
from review.desk import Desk, Standing
from review.following_view import follow_name
from review.parts import due, plural, span_of
from review.shown import AnyShown

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Line:
    """One request of the inbox; ``trouble`` says why it cannot be shown."""

    request_id: str
    shown: AnyShown | None = None
    standing: Standing | None = None
    trouble: str = ""


def read_inbox(desk: Desk, reviewer: str, now: datetime) -> Sequence[Line]:
    """Read all requests; one that cannot be read does not hide the others.

    Args:
        desk: Where they lie.
        reviewer: Who asks.
        now: Moment of looking.

    Returns:
        The requests, those that close first first, then the newest.
    """
    lines = []
    for request_id in desk.requests():
        try:
            shown = desk.open(request_id)
            lines.append(Line(request_id, shown, desk.standing(shown, reviewer, now)))
        except ParleyError as error:
            lines.append(Line(request_id, trouble=str(error)))
    return sorted(lines, key=_order)


def inbox_view(lines: Sequence[Line], reviewer: str, now: datetime) -> Component:
    """Show the inbox.

    Args:
        lines: What ``read_inbox`` found.
        reviewer: Who asks.
        now: Moment of looking.

    Returns:
        The page's content.
    """
    open_ = [line for line in lines if line.standing is not None and line.standing.takes_answers]
    closed = [line for line in lines if line not in open_]
    count = plural(len(open_), "request") if open_ else "Nothing"
    parts: list[Component] = [
        html.Header(
            [
                html.H1("Inbox"),
                html.P(
                    f"{count} {'waits' if len(open_) < 2 else 'wait'} for an answer.",
                    className="lead",
                ),
            ],
            className="page-head",
        ),
        html.Ul([_card(line, reviewer, now) for line in open_], className="requests")
        if open_
        else html.P(
            "A run that asks for a review appears here: parley run --reviewer inbox",
            className="empty",
        ),
    ]
    if closed:
        parts.append(
            html.Details(
                [
                    html.Summary(f"{plural(len(closed), 'closed request')}"),
                    html.Ul([_card(line, reviewer, now) for line in closed], className="requests"),
                ],
                className="closed",
            )
        )
    return html.Main(parts, className="inbox", id="content")


def _card(line: Line, reviewer: str, now: datetime) -> Component:
    if line.shown is None or line.standing is None:
        return html.Li(
            [html.H2(line.request_id), html.P(line.trouble, className="warning")],
            className="request broken",
        )
    bundle, standing = line.shown.bundle, line.standing
    glimpse = line.shown.panel.glimpse(line.shown)
    version = f" · version {bundle.model.version}" if bundle.model.version else ""
    again, follows = bundle.round > 1, bundle.follows
    mine = "You have answered. " if reviewer in standing.answered else ""
    others = [name for name in standing.answered if name != reviewer]
    told = mine + (f"Answered by {', '.join(others)}." if others else "")
    state = standing.state.value.replace("_", " ").lower()
    badge = due(standing.closes_at, now) if standing.takes_answers else state
    return html.Li(
        dcc.Link(
            [
                html.Div(
                    [
                        html.H2(glimpse.heading),
                        # A run that asks once needs no number.
                        *([html.Span(f"round {bundle.round}", className="badge")] * again),
                        *([html.Span(follow_name(follows), className="badge")] if follows else []),
                        html.Span(badge, className=f"badge {state.replace(' ', '-')}"),
                    ],
                    className="request-head",
                ),
                html.P(
                    f"{bundle.model.name}{version} · dataset {bundle.dataset.md5[:8]} · "
                    f"{len(bundle.dataset.classes)} classes",
                    className="quiet",
                ),
                html.P(
                    f"Asked {span_of((now - bundle.created_at).total_seconds())} ago"
                    f"{f' by {bundle.author}' if bundle.author else ''}. "
                    f"{glimpse.told} {told or 'Nobody has answered yet.'}"
                ),
            ],
            href=f"/requests/{bundle.request_id}",
            className="request-link",
        ),
        className="request",
    )


def _order(line: Line) -> tuple[int, float, float]:
    if line.shown is None or line.standing is None:
        return (2, 0.0, 0.0)
    asked = -line.shown.bundle.created_at.timestamp()
    if not line.standing.takes_answers:
        return (1, asked, 0.0)
    closes_at = line.standing.closes_at
    return (0, closes_at.timestamp() if closes_at else float("inf"), asked)
