"""The bar at the foot of a request: how much was edited, the tools, and the way to the answer."""

from dash import html
from dash.development.base_component import Component

from review.desk import Standing
from review.draft import Draft, ItemDraft
from review.parts import button, plural
from review.shown import AnyShown
from review.viewing import View


def bar(shown: AnyShown, draft: Draft[ItemDraft], view: View, standing: Standing) -> Component:
    """Show how much was edited, undo and redo, the panel's tools, and the way to the answer.

    Args:
        shown: The request.
        draft: What was edited.
        view: What is looked at.
        standing: Whether the request takes an answer.

    Returns:
        The bar at the foot of the page.
    """
    is_batch = shown.panel.WORDS.is_batch
    return html.Div(
        [
            html.Span(_told(shown, draft), className="bar-told", role="status"),
            button(
                "Undo", {"kind": "undo"}, disabled=not draft.past, id="undo", className="soft",
                key="u",
            ),
            button(
                "Redo", {"kind": "redo"}, disabled=not draft.future, id="redo", className="soft",
                key="r",
            ),
            *shown.panel.tools(view, draft.n_edits),
            *([_onward(shown, draft, view)] if is_batch else []),
            html.Button(
                "Answer…",
                type="button",
                className="primary",
                id="answer",
                disabled=not standing.takes_answers,
                **{"data-open": "answer-dialog", "data-key": "s"},
            ),
        ],
        className="bar-inner",
    )  # fmt: skip


def _told(shown: AnyShown, draft: Draft[ItemDraft]) -> list[Component | str]:
    words = shown.panel.WORDS
    told: list[Component | str] = ["No edits yet"]
    if draft.n_edits:
        n_edited = sum(1 for said in draft.items.values() if said.n_edits)
        where = html.Span(f" in {plural(n_edited, words.item)}", className="wide")
        told = [plural(draft.n_edits, "edit"), where]
    if words.is_batch:
        n_answered = sum(
            1 for item, said in draft.items.items() if said.speaks and item in shown.titles
        )
        # On a phone the number has to do.
        n_items = len(shown.titles)
        noun = words.item if n_items == 1 else words.items
        rest = html.Span(f" {noun} answered", className="wide")
        told += [f" · {n_answered} of {n_items}", rest]
    return told


def _onward(shown: AnyShown, draft: Draft[ItemDraft], view: View) -> Component:
    """Lead to the next item that has no answer, after the present one or from the start again."""
    order = list(shown.titles)
    here = order.index(view.item) if view.item in shown.titles else -1
    others = order[here + 1 :] + order[: max(here, 0)]
    following = next((item for item in others if not shown.said(draft, item).speaks), None)
    return button(
        ["Next", html.Span(f" {shown.panel.WORDS.item}", className="wide")],
        {"kind": "look", "item": following},
        id="next",
        className="soft onward",
        key="n",
        disabled=following is None,
    )
