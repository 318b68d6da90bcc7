"""The list of a request's items, those whose answer is worth most first."""

from dash import html
from dash.development.base_component import Component

from review.draft import Draft, ItemDraft
from review.parts import button
from review.shown import AnyShown


def rail(shown: AnyShown, draft: Draft[ItemDraft]) -> list[Component]:
    """List the overview and the items, with what was said of them or else how they stand.

    Args:
        shown: The request.
        draft: What the reviewer said.

    Returns:
        One button for each.
    """
    notes = shown.panel.notes(shown)
    entries = [button("Overview", {"kind": "look"}, mark="item", className="entry")]
    for item, title in shown.titles.items():
        mark = shown.said(draft, item).mark
        entries.append(
            button(
                [
                    html.Span(title, className="entry-name"),
                    html.Span(mark, className="badge changed")
                    if mark
                    else html.Span(notes.get(item, ""), className="quiet"),
                ],
                {"kind": "look", "item": item},
                mark=mark_of(item),
                className="entry class-entry",
            )
        )
    return entries


def mark_of(item: str | None) -> str:
    """Return the mark of an item's entry; None is the overview's."""
    return "item" if item is None else f"item {item}"
