"""The list of a request's items, those whose answer is worth most first."""

from collections.abc import Mapping
from functools import lru_cache

from dash import html

from review.describing import describe
from review.draft import Draft, ItemDraft
from review.parts import button
from review.pieces import Keyed, Ready
from review.shown import AnyShown


def rail(shown: AnyShown, draft: Draft[ItemDraft]) -> Keyed:
    """List the overview and the items, with what was said of them or else how they stand.

    Args:
        shown: The request.
        draft: What the reviewer said.

    Returns:
        One button for each; the same while no item's mark changes.
    """
    marks = {item: said.mark for item, said in draft.items.items() if said.mark}
    return Keyed(lambda: _entries(shown, marks), f"{shown.digest} {sorted(marks.items())}")


def _entries(shown: AnyShown, marks: Mapping[str, str]) -> list[Ready]:
    notes = shown.panel.notes(shown)
    first = button("Overview", {"kind": "look"}, mark="item", className="entry")
    return [
        Ready(describe(first)),
        *(
            _entry(item, title, marks.get(item, ""), notes.get(item, ""))
            for item, title in shown.titles.items()
        ),
    ]


@lru_cache(maxsize=10_000)
def _entry(item: str, title: str, mark: str, note: str) -> Ready:
    """Make one entry; kept, since an edit changes one of many."""
    told = (
        html.Span(mark, className="badge changed") if mark else html.Span(note, className="quiet")
    )
    entry = button(
        [html.Span(title, className="entry-name"), told],
        {"kind": "look", "item": item},
        mark=mark_of(item),
        className="entry class-entry",
    )
    return Ready(describe(entry))


def mark_of(item: str | None) -> str:
    """Return the mark of an item's entry; None is the overview's."""
    return "item" if item is None else f"item {item}"
