"""The dialog that shows what will be sent before it is."""

import json
from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from feedback.attention import items_of, missing_attention
from feedback.policy import Policy
from review.desk import Standing
from review.draft import Draft, ItemDraft
from review.editing import responses_of, warnings_of
from review.following_view import is_as_proposed
from review.parts import button, field, plural
from review.pieces import Line
from review.shown import AnyShown
from review.viewing import View


def answer_dialog(
    shown: AnyShown, draft: Draft[ItemDraft], view: View, standing: Standing
) -> Sequence[Component]:
    """Show the ways to answer and exactly what will be sent.

    Args:
        shown: The request.
        draft: What the reviewer said.
        view: Verdict that was chosen.
        standing: Where the request stands.

    Returns:
        The dialog's content.
    """
    head = html.Div(
        [
            html.H2("Your answer", id="answer-title"),
            html.Button(
                "Close", type="button", className="plain", **{"data-close": "answer-dialog"}
            ),
        ],
        className="section-head",
    )
    if not standing.takes_answers:
        return [head, html.P(standing.why, className="warning")]
    warnings = warnings_of(draft, shown)
    earlier = standing.waiting + standing.accepted
    verdict = view.verdict
    return [
        head,
        html.Div(
            [
                _choice("approve", "Approve as it is", view, disabled=draft.n_edits > 0),
                _choice("approve", _with_edits(draft), view, disabled=draft.n_edits == 0),
                _choice("request_changes", "Request changes", view),
                _choice("reject", "Reject", view),
            ],
            className="verdicts",
            role="group",
            **{"aria-label": "Verdict"},
        ),
        field(
            "Comment" + (" (needed)" if verdict in ("reject", "request_changes") else ""),
            draft.comment,
            {"kind": "comment"},
            limit=4000,
        ),
        html.H3("What will be sent"),
        html.P("A rejection sends no edits.", className="quiet")
        if verdict == "reject"
        else edits_told(draft, shown),
        html.Ul([html.Li(warning) for warning in warnings], className="warnings")
        if warnings
        else html.Span(),
        html.Details(
            [html.Summary("As JSON"), html.Pre(_as_json(draft, shown, verdict))],
            className="closed",
        ),
        html.P(
            f"You have answered already; this answer takes the place of the earlier one ({earlier} "
            "so far).",
            className="quiet",
        )
        if earlier
        else html.Span(),
    ]


def lacking_attention(
    shown: AnyShown, draft: Draft[ItemDraft], view: View, policy: Policy, spent: float | None,
    now: float,
) -> tuple[str, ...]:  # fmt: skip
    """Tell what an approval would be refused for, if it was sent now.

    Args:
        shown: The request.
        draft: What the reviewer said.
        view: Verdict that was chosen, and how long each item was open.
        policy: The gate's rule.
        spent: How long the request was open, seconds.
        now: Seconds since 1970.
    """
    if policy.attention is None or view.verdict != "approve":
        return ()
    responses = responses_of(draft, shown)
    dumped = [response.model_dump(mode="json", by_alias=True) for response in responses]
    answered = items_of(shown.bundle.channel, dumped)
    seconds = view.seconds_by_item(now)
    return missing_attention(policy.attention, shown.titles, answered, spent, seconds)


def send_row(
    draft: Draft[ItemDraft],
    view: View,
    standing: Standing,
    reviewer: str,
    lacking: Sequence[str] = (),
) -> Component:
    """Show where the answer goes, and the button that sends it.

    Args:
        draft: What the reviewer said.
        view: Verdict that was chosen.
        standing: Whether the request takes an answer.
        reviewer: Who answers.
        lacking: For what the policy would refuse it now.

    Returns:
        The foot of the dialog; nothing for a closed request.
    """
    if not standing.takes_answers:
        return html.Div()
    told = (
        f"The policy asks for more time before this approval counts: {'; '.join(lacking)}. Time "
        "goes on while this stands here."
    )
    row = html.Div(
        [
            html.Span(f"Goes to the inbox of {reviewer}.", className="quiet"),
            button(
                _send_label(view.verdict, draft),
                {"kind": "send"},
                className="primary",
                id="send",
                disabled=view.verdict is None,
            ),
        ],
        className="send-row",
    )
    if not lacking:
        return row
    return html.Div([html.P(told, className="warning", role="status"), row])


def edits_told(draft: Draft[ItemDraft], shown: AnyShown) -> Component:
    """Tell a draft's edits in words, before and after.

    Args:
        draft: The draft.
        shown: The request.

    Returns:
        A list; a sentence where there is nothing to tell.
    """
    told = [
        html.Li(
            [
                html.Strong(title),
                html.Span(" as proposed", className="quiet")
                if is_as_proposed(shown, item, draft.items[item])
                else "",
                html.Ul(_item_told(item, draft.items[item], shown)),
            ]
        )
        for item, title in shown.titles.items()
        if item in draft.items and draft.items[item].speaks
    ]
    if not told:
        return html.P(f"No edits: {shown.panel.WORDS.unedited}.", className="quiet")
    return html.Ul(told, className="told")


def _item_told(item: str, said: ItemDraft, shown: AnyShown) -> Sequence[Component]:
    lines = [*shown.panel.told(item, said, shown.evidence)]
    if said.comment:
        lines.append(Line("remark", said.comment))
    return [
        html.Li(
            [line.told, html.Span(f" — {line.reason}", className="quiet") if line.reason else ""]
        )
        for line in lines
    ]


def _choice(verdict: str, label: str, view: View, *, disabled: bool = False) -> Component:
    return button(
        label,
        {"kind": "verdict", "verdict": verdict},
        pressed=view.verdict == verdict and not disabled,
        className=f"verdict {verdict}",
        disabled=disabled,
    )


def _with_edits(draft: Draft[ItemDraft]) -> str:
    return (
        f"Approve with {plural(draft.n_edits, 'edit')}" if draft.n_edits else "Approve with edits"
    )


def _send_label(verdict: str | None, draft: Draft[ItemDraft]) -> str:
    if verdict == "approve":
        return f"Send: {_with_edits(draft).lower()}" if draft.n_edits else "Send: approve as it is"
    told = {"request_changes": "Send: request changes", "reject": "Send: reject"}
    return told.get(verdict or "", "Choose an answer first")


def _as_json(draft: Draft[ItemDraft], shown: AnyShown, verdict: str | None) -> str:
    sent = () if verdict == "reject" else responses_of(draft, shown)
    responses = [response.model_dump(mode="json", by_alias=True) for response in sent]
    return json.dumps(
        {"verdict": verdict, "responses": responses, "comment": draft.comment},
        indent=2,
        ensure_ascii=False,
    )
