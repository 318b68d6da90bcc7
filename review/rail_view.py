"""The list of a request's items, those whose answer is worth most first."""

from collections import Counter
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
    notes, names = shown.panel.notes(shown), short_names(tuple(shown.titles.values()))
    first = button("Overview", {"kind": "look"}, mark="item", className="entry")
    return [
        Ready(describe(first)),
        *(
            _entry(item, title, names[title], marks.get(item, ""), notes.get(item, ""))
            for item, title in shown.titles.items()
        ),
    ]


@lru_cache(maxsize=10_000)
def _entry(item: str, title: str, name: str, mark: str, note: str) -> Ready:
    """Make one entry; kept, since an edit changes one of many."""
    told = (
        html.Span(mark, className="badge changed") if mark else html.Span(note, className="quiet")
    )
    entry = button(
        [html.Span(name, className="entry-name", title=title), told],
        {"kind": "look", "item": item},
        mark=mark_of(item),
        className="entry class-entry",
    )
    return Ready(describe(entry))


@lru_cache(maxsize=64)
def short_names(titles: tuple[str, ...]) -> dict[str, str]:
    """Return the ends of titles that are paths, as long as it takes to tell them apart.

    Args:
        titles: Titles, such as ``train/discs/00.png``.

    Returns:
        ``00.png`` by title, or ``discs/00.png`` where another title ends in ``00.png`` too.
    """
    names, left, depth = {}, set(titles), 1
    while left:
        ends = {title: "/".join(title.split("/")[-depth:]) for title in left}
        often = Counter(ends.values())
        # A title of few parts is told in full, even where another one ends like it.
        told = {title: end for title, end in ends.items() if often[end] == 1 or end == title}
        names.update(told)
        left -= set(told)
        depth += 1
    return names


def mark_of(item: str | None) -> str:
    """Return the mark of an item's entry; None is the overview's."""
    return "item" if item is None else f"item {item}"
