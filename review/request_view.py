"""The frame of a request's page: head, list of items, and places that edits fill anew."""

from collections.abc import Sequence
from datetime import datetime

from dash import dcc, html
from dash.development.base_component import Component

from review.answer_view import answer_dialog, lacking_attention, send_row
from review.bar_view import bar
from review.desk import Desk, Standing
from review.draft import Draft, ItemDraft
from review.following_view import banner, follow_name, proposal_note
from review.opened import Opened
from review.overview_view import overview
from review.parts import due, place, plural
from review.pieces import Marks, Places, Shortcut
from review.previewing import preview_view
from review.rail_view import mark_of, rail
from review.shown import AnyShown
from review.viewing import View


def frame(shown: AnyShown, standing: Standing, now: datetime) -> Component:
    """Make the page of a request; callbacks fill it.

    Args:
        shown: The request.
        standing: Where it stands.
        now: Moment of opening.

    Returns:
        The page's content.
    """
    bundle, panel = shown.bundle, shown.panel
    asked = f"asked by {bundle.author} · " if bundle.author else ""
    return html.Div(
        [
            # Kept by the browser, under the digest of what is shown: it outlives the window.
            dcc.Store(id={"role": "draft", "digest": shown.digest}, storage_type="local"),
            dcc.Store(id="view", data=panel.VIEW().model_dump(mode="json")),
            dcc.Store(id="screen"),
            dcc.Store(id="opened", data=now.timestamp()),
            html.Header(
                [
                    dcc.Link("← Inbox", href="/", className="back"),
                    html.Div(
                        [
                            html.H1(f"Review of {bundle.model.name}"),
                            html.P(
                                f"{asked}{_round_told(shown)} · {due(standing.closes_at, now)} · "
                                f"{plural(len(bundle.items), panel.WORDS.item)}",
                                className="quiet",
                            ),
                        ]
                    ),
                ],
                className="page-head",
            ),
            place("page-standing", id="standing"),
            place("page-follow"),
            html.Div(
                [
                    place(
                        "rail",
                        html.Nav,
                        className="rail",
                        **{"aria-label": panel.WORDS.items.capitalize(), "data-steps": "[ ]"},
                    ),
                    html.Main(
                        [place("overview"), place("proposal"), *panel.layout()], id="content"
                    ),
                ],
                className="columns",
            ),
            place("page-bar", html.Footer, id="bar", className="bar"),
            html.Dialog(
                [place("page-dialog"), place("page-preview"), place("page-send")],
                id="answer-dialog",
                className="dialog",
                **{"aria-labelledby": "answer-title"},
            ),
        ],
        className="request-page",
        # By which a panel's style sheet keeps to its own pages.
        **{"data-channel": bundle.channel},
    )


def _round_told(shown: AnyShown) -> str:
    when = shown.panel.glimpse(shown).when
    follows = shown.bundle.follows
    told = f"round {shown.bundle.round}{f', {when}' if when else ''}"
    return f"{told}, {follow_name(follows.number)}" if follows else told


def standing_view(standing: Standing) -> list[Component]:
    """Tell what a reviewer must know first: closed, answered, refused."""
    parts: list[Component] = []
    if not standing.takes_answers:
        parts.append(html.P(standing.why, className="banner closed-banner", role="status"))
    if standing.replaced_by:
        parts.append(
            html.P(
                f"Version {standing.replaced_by} has become champion since this was asked, so the "
                "comparison here is with another one. Answers are taken and kept; what is approved "
                "is asked about once more beside the new champion before anything is promoted.",
                className="banner replaced-banner",
                role="status",
            )
        )
    if standing.by_rule_at is not None and not standing.waiting:
        parts.append(
            html.P(
                "This request only repeats edits of approved reviews. The rule of the policy "
                f"approves it on {standing.by_rule_at:%d %B %Y, %H:%M} UTC unless somebody answers "
                "before: any answer leaves it to people.",
                className="banner",
            )
        )
    if standing.waiting:
        parts.append(
            html.P(
                f"{plural(standing.waiting, 'answer')} of yours waits to be judged. Another one "
                "takes its place while the request is open.",
                className="banner",
            )
        )
    elif standing.accepted and standing.takes_answers:
        parts.append(
            html.P(
                "Your answer was accepted. Another one takes its place while the request is open.",
                className="banner",
            )
        )
    parts += [
        html.P(
            [html.Strong("An answer of yours was refused. "), refusal.reason],
            className="banner refused",
            role="alert",
        )
        for refusal in standing.refused[:3]
    ]
    return parts


def places_of(
    desk: Desk,
    opened: Opened,
    standing: Standing,
    reviewer: str,
    now: datetime,
    spent: float | None = None,
) -> tuple[Places, bool]:
    """Make the content of every place of the page of a request.

    Args:
        desk: Where previews are read.
        opened: What is open.
        standing: Where the request stands.
        reviewer: Who asks.
        now: Moment of looking.
        spent: How long the request has been open, seconds; None where that is not known.

    Returns:
        Content by place, and whether the page should look again for a preview.
    """
    shown, draft, view = opened.shown, opened.draft, opened.view
    preview, waits = preview_view(desk, shown, draft, view, now.timestamp())
    places = parts_of(shown, draft, view, standing, reviewer, now)
    lacking = lacking_attention(shown, draft, view, desk.policy, spent, now.timestamp())
    places |= {
        "page-standing": standing_view(standing),
        "page-bar": bar(shown, draft, view, standing),
        "page-dialog": answer_dialog(shown, draft, view, standing),
        "page-preview": preview if standing.takes_answers else None,
        "page-send": send_row(draft, view, standing, reviewer, lacking),
    }
    return places, waits


def parts_of(
    shown: AnyShown,
    draft: Draft[ItemDraft],
    view: View,
    standing: Standing,
    reviewer: str,
    now: datetime,
) -> Places:
    """Make the content of the list of items and of what is looked at.

    Args:
        shown: The request.
        draft: What the reviewer said.
        view: What they look at.
        standing: Where the request stands.
        reviewer: Who asks.
        now: Moment of looking.

    Returns:
        Content by place; places that show nothing now are left out.
    """
    entries: Places = {"rail": rail(shown, draft)}
    if view.item is None:
        if shown.bundle.follows is not None:
            entries["page-follow"] = banner(shown)
        return entries | {"overview": overview(shown, draft, standing, reviewer, now)}
    said = shown.said(draft, view.item)
    if view.item in shown.proposals:
        entries["proposal"] = proposal_note(shown, view.item, said)
    return entries | shown.panel.parts_of(shown, said, view)


def marks_of(shown: AnyShown, draft: Draft[ItemDraft], view: View) -> Marks:
    """Tell which buttons are selected and which are hidden.

    Args:
        shown: The request.
        draft: What the reviewer said.
        view: What they look at.

    Returns:
        Marks of the list's entry, what was said of each item, and the panel's.
    """
    entry = mark_of(view.item)
    states = {mark_of(item): said.mark for item, said in draft.items.items() if said.mark}
    if view.item is None:
        return Marks([entry], states=states)
    own = shown.panel.marks_of(shown, shown.said(draft, view.item), view)
    return Marks([entry, *own.pressed], own.barred, {**states, **own.states})


def shortcuts_view(shown: AnyShown | None) -> list[Component]:
    """List the keys.

    Args:
        shown: The request; None on other pages.

    Returns:
        Entries of the list.
    """
    own: Sequence[Shortcut] = () if shown is None else shown.panel.SHORTCUTS
    noun = "item" if shown is None else shown.panel.WORDS.item
    is_batch = shown is not None and shown.panel.WORDS.is_batch
    rows = [
        *own,
        Shortcut("[ ]", f"previous or next {noun}"),
        *([Shortcut("n", f"next {noun} without an answer")] if is_batch else []),
        Shortcut("u, r", "undo, redo"),
        Shortcut("s", "answer"),
        Shortcut("Esc", "leave a field"),
        Shortcut("?", "this list"),
    ]
    return [html.Div([html.Dt(html.Kbd(row.keys)), html.Dd(row.told)]) for row in rows]
