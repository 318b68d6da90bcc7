"""The inbox: open requests first, the latest of what is closed folded away below."""

from collections.abc import Sequence
from datetime import datetime

from dash import dcc, html
from dash.development.base_component import Component

from review.following_view import follow_name
from review.inbox import AT_ONCE, CLOSED, Inbox, Line
from review.parts import due, plural, span_of


def inbox_view(inbox: Inbox, reviewer: str, now: datetime) -> Component:
    """Show the inbox.

    Args:
        inbox: What ``read_inbox`` found.
        reviewer: Who asks.
        now: Moment of looking.

    Returns:
        The page's content.
    """
    open_ = [line for line in inbox.lines if line.takes_answers]
    closed = [line for line in inbox.lines if not line.takes_answers]
    count = plural(len(open_), "request") if open_ else "Nothing"
    lead = f"{count} {'waits' if len(open_) < 2 else 'wait'} for an answer."
    empty = "A run that asks for a review appears here: parley run --reviewer inbox"
    parts = [
        _head("Inbox", lead),
        _cards(open_, reviewer, now) if open_ else html.P(empty, className="empty"),
    ]
    if closed:
        n_left = inbox.n_closed - len(closed)
        more = [dcc.Link(f"{n_left:,} more", href=f"{CLOSED}1", className="more")]
        parts.append(
            html.Details(
                [
                    html.Summary(plural(inbox.n_closed, "closed request")),
                    _cards(closed, reviewer, now),
                    *(more if n_left else []),
                ],
                className="closed",
            )
        )
    return html.Main(parts, className="inbox", id="content")


def closed_view(inbox: Inbox, page: int, reviewer: str, now: datetime) -> Component:
    """Show one page of the requests that were decided.

    Args:
        inbox: What ``read_closed`` found.
        page: Which page, from 1.
        reviewer: Who asks.
        now: Moment of looking.

    Returns:
        The page's content.
    """
    before = AT_ONCE * (page - 1)
    last = before + len(inbox.lines)
    told = f"{before + 1:,} to {last:,} of {inbox.n_closed:,}, those decided last first."
    steps = []
    if page > 1:
        steps.append(dcc.Link("← later", href=f"{CLOSED}{page - 1}"))
    if last < inbox.n_closed:
        steps.append(dcc.Link("earlier →", href=f"{CLOSED}{page + 1}"))
    return html.Main(
        [
            dcc.Link("← Inbox", href="/", className="back"),
            _head("Closed requests", told if inbox.lines else "There are none here."),
            _cards(inbox.lines, reviewer, now),
            html.Nav(steps, className="pages", **{"aria-label": "Pages"}),
        ],
        className="inbox",
        id="content",
    )


def _head(title: str, lead: str) -> Component:
    return html.Header([html.H1(title), html.P(lead, className="lead")], className="page-head")


def _cards(lines: Sequence[Line], reviewer: str, now: datetime) -> Component:
    return html.Ul([_card(line, reviewer, now) for line in lines], className="requests")


def _card(line: Line, reviewer: str, now: datetime) -> Component:
    if line.card is None or line.standing is None:
        return html.Li(
            [html.H2(line.request_id), html.P(line.trouble, className="warning")],
            className="request broken",
        )
    card, request, standing = line.card, line.card.request, line.standing
    version = f" · version {card.model.version}" if card.model.version else ""
    again, follows = card.round > 1, card.follow_up > 0
    mine = "You have answered. " if reviewer in standing.answered else ""
    others = [name for name in standing.answered if name != reviewer]
    told = mine + (f"Answered by {', '.join(others)}." if others else "")
    state = standing.state.value.replace("_", " ").lower()
    badge = due(standing.closes_at, now) if standing.takes_answers else standing.told_state
    nobody = "Nobody has answered yet." if standing.takes_answers else "Nobody answered."
    return html.Li(
        dcc.Link(
            [
                html.Div(
                    [
                        html.H2(card.glimpse.heading),
                        # A run that asks once needs no number.
                        *([html.Span(f"round {card.round}", className="badge")] * again),
                        *([html.Span(follow_name(card.follow_up), className="badge")] * follows),
                        html.Span(badge, className=f"badge {state.replace(' ', '-')}"),
                    ],
                    className="request-head",
                ),
                html.P(
                    f"{card.model.name}{version} · dataset {card.dataset[:8]} · "
                    f"{card.n_classes} classes",
                    className="quiet",
                ),
                html.P(
                    f"Asked {span_of((now - request.created_at).total_seconds())} ago"
                    f"{f' by {request.author}' if request.author else ''}. "
                    f"{card.glimpse.told} {told or nobody}"
                ),
            ],
            href=f"/requests/{request.request_id}",
            className="request-link",
        ),
        className="request",
    )
