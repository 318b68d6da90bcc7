"""The bar of what was edited, and the dialog that shows what will be sent before it is."""

import json
from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from feedback.channels.concept_graph.evidence import GraphEvidence
from review.candidates_view import field
from review.desk import Shown, Standing
from review.draft import ClassDraft, Draft, edits_of
from review.editing import class_shown, warnings_of
from review.graph_view import slots_after
from review.parts import button, plural, short
from review.viewing import View


def bar(draft: Draft, view: View, standing: Standing) -> Component:
    """Show how much was edited, undo and redo, and the way to the answer.

    Args:
        draft: What was edited.
        view: Whether before and after are compared.
        standing: Whether the request takes an answer.

    Returns:
        The bar at the foot of the page.
    """
    n_classes = sum(1 for said in draft.classes.values() if said.n_edits)
    told: list[Component | str] = ["No edits yet"]
    if draft.n_edits:
        where = html.Span(f" in {plural(n_classes, 'class')}", className="wide")
        told = [plural(draft.n_edits, "edit"), where]
    return html.Div(
        [
            html.Span(told, className="bar-told", role="status"),
            button("Undo", {"kind": "undo"}, disabled=not draft.past, id="undo", className="soft"),
            button(
                "Redo", {"kind": "redo"}, disabled=not draft.future, id="redo", className="soft"
            ),
            button(
                "Compare",
                {"kind": "look", "compare": not view.compare},
                pressed=view.compare,
                id="compare",
                className="soft",
                disabled=not draft.n_edits,
            ),
            html.Button(
                "Answer…",
                type="button",
                className="primary",
                id="answer",
                disabled=not standing.takes_answers,
                **{"data-open": "answer-dialog"},
            ),
        ],
        className="bar-inner",
    )


def answer_dialog(
    shown: Shown, draft: Draft, view: View, standing: Standing
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
    warnings = warnings_of(draft, shown.evidence)
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
        else edits_told(draft, shown.evidence),
        html.Ul([html.Li(warning) for warning in warnings], className="warnings")
        if warnings
        else html.Span(),
        html.Details(
            [html.Summary("As JSON"), html.Pre(_as_json(draft, shown.evidence, verdict))],
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


def send_row(draft: Draft, view: View, standing: Standing, reviewer: str) -> Component:
    """Show where the answer goes, and the button that sends it.

    Args:
        draft: What the reviewer said.
        view: Verdict that was chosen.
        standing: Whether the request takes an answer.
        reviewer: Who answers.

    Returns:
        The foot of the dialog; nothing for a closed request.
    """
    if not standing.takes_answers:
        return html.Div()
    return html.Div(
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


def edits_told(draft: Draft, evidence: GraphEvidence) -> Component:
    """Tell a draft's edits in words, before and after.

    Args:
        draft: The draft.
        evidence: What was shown.

    Returns:
        A list; a sentence where there is nothing to tell.
    """
    lines = [
        html.Li([html.Strong(name), html.Ul(_class_told(name, said, evidence))])
        for name, said in draft.classes.items()
        if said.speaks
    ]
    if not lines:
        return html.P("No edits: the graphs are taken as they were shown.", className="quiet")
    return html.Ul(lines, className="told")


def _class_told(name: str, said: ClassDraft, evidence: GraphEvidence) -> Sequence[Component]:
    shown = class_shown(evidence, name)
    slots, after = shown.slots, slots_after(shown, said)
    lines = [
        (f"slot {edit.slot + 1}: {short(slots[edit.slot])} → {short(edit.to)}", edit.reason)
        for edit in said.concepts
    ] + [
        (
            f"edge {short(after[edit.src])} → {short(after[edit.dst])} "
            f"{'removed' if edit.state == 'removed' else 'added'}",
            edit.reason,
        )
        for edit in said.edges
    ]
    if not lines:
        lines = [("right as it is", "")]
    if said.comment:
        lines.append(("remark", said.comment))
    return [
        html.Li([text, html.Span(f" — {reason}", className="quiet") if reason else ""])
        for text, reason in lines
    ]


def _choice(verdict: str, label: str, view: View, *, disabled: bool = False) -> Component:
    return button(
        label,
        {"kind": "verdict", "verdict": verdict},
        pressed=view.verdict == verdict and not disabled,
        className=f"verdict {verdict}",
        disabled=disabled,
    )


def _with_edits(draft: Draft) -> str:
    return (
        f"Approve with {plural(draft.n_edits, 'edit')}" if draft.n_edits else "Approve with edits"
    )


def _send_label(verdict: str | None, draft: Draft) -> str:
    if verdict == "approve":
        return f"Send: {_with_edits(draft).lower()}" if draft.n_edits else "Send: approve as it is"
    told = {"request_changes": "Send: request changes", "reject": "Send: reject"}
    return told.get(verdict or "", "Choose an answer first")


def _as_json(draft: Draft, evidence: GraphEvidence, verdict: str | None) -> str:
    edits = () if verdict == "reject" else edits_of(draft, evidence)
    responses = [edit.model_dump(mode="json", by_alias=True) for edit in edits]
    return json.dumps(
        {"verdict": verdict, "responses": responses, "comment": draft.comment},
        indent=2,
        ensure_ascii=False,
    )
