"""What is drawn anew, and from what."""

import json
from datetime import UTC, datetime

import pytest
from dash import dcc, html

from review.changes import Changes, changes_of
from review.describing import describe
from review.desk import Desk
from review.panels.concept_graph import GraphView
from review.parts import button, picture
from review.pieces import Follower, Keyed, Ready
from review.request_view import parts_of
from review.shown import AnyShown
from tests.review.conftest import edited, text_of

NOW = datetime.now(UTC)


def drawn(changes: Changes) -> dict[str, str]:
    return {name: digest for name, (digest, _) in changes.parts.items()}


def test_an_element_is_described_by_tag_properties_and_children() -> None:
    content = [
        html.Td(["a", None, html.B(3), Ready([["i", {}, ["kept"]]])], colSpan=2, hidden=False),
        "<b>text</b>",
        "",
    ]
    assert describe(content) == [
        ["td", {"colSpan": 2}, ["a", ["b", {}, ["3"]], ["i", {}, ["kept"]]]],
        "<b>text</b>",
        "",
    ]
    (described,) = describe(button("Cut", {"kind": "undo"}, disabled=True, mark="m", n_clicks=3))
    assert described == [
        "button",
        {"type": "button", "disabled": True, "data-action": '{"kind": "undo"}', "data-mark": "m"},
        ["Cut"],
    ]


def test_pictures_stay_lazy(shown: AnyShown) -> None:
    ((tag, props, _),) = describe(picture(shown, "graph.png", "a graph"))
    assert (tag, props["loading"], props["alt"]) == ("img", "lazy", "a graph")


@pytest.mark.parametrize("content", [dcc.Input(), html.Script("x"), html.Iframe(), object(), b"x"])
def test_only_html_without_scripts_is_described(content: object) -> None:
    with pytest.raises(TypeError, match="expected elements"):
        describe(html.Div([content]))


def test_only_what_differs_is_drawn_anew() -> None:
    places = {"rail": html.P("one"), "head": html.P("two"), "foot": None}
    first = changes_of(places, {}, ())
    assert {name: json.loads(text or "") for name, (_, text) in first.parts.items()} == {
        "rail": [["p", {}, ["one"]]],
        "head": [["p", {}, ["two"]]],
    }
    assert changes_of(places, drawn(first), ()) == Changes()
    after = changes_of({"rail": html.P("one"), "head": html.P("2")}, drawn(first), ())
    assert list(after.parts) == ["head"]
    # What is shown no more is cleared, and what the browser says wrongly is drawn anew.
    assert changes_of({"head": html.P("two")}, drawn(first), ()).parts == {"rail": ("", "[]")}
    assert list(changes_of(places, {"rail": "?", "head": "?"}, ()).parts) == ["rail", "head"]


def test_keyed_content_is_not_even_made_while_its_key_stays() -> None:
    made: list[str] = []

    def make() -> html.P:
        made.append("made")
        return html.P("large")

    first = changes_of({"grid": Keyed(make, "a")}, {}, ())
    again = changes_of({"grid": Keyed(make, "a")}, drawn(first), ())
    assert (again, made) == (Changes(), ["made"])
    assert list(changes_of({"grid": Keyed(make, "b")}, drawn(first), ()).parts) == ["grid"]


def test_what_dash_draws_stays_while_what_stands_in_it_follows() -> None:
    def place(key: str, value: int) -> dict[str, Keyed]:
        return {"figures": Keyed(dcc.Input, key, [Follower({"role": "x"}, {"value": value})])}

    first = changes_of(place("a", 1), {}, ["figures"])
    assert list(first.live) == ["figures"]
    assert first.followers == []
    shown = drawn(first)
    assert changes_of(place("a", 1), shown, ["figures"]) == Changes()
    moved = changes_of(place("a", 2), shown, ["figures"])
    assert (moved.live, moved.followers) == ({}, [Follower({"role": "x"}, {"value": 2})])
    assert list(changes_of(place("b", 2), drawn(moved), ["figures"]).live) == ["figures"]
    assert changes_of({}, shown, ["figures"]).live == {"figures": None}
    with pytest.raises(TypeError, match="keyed content of the live place figures"):
        changes_of({"figures": html.P()}, {}, ["figures"])


def test_equal_keys_mean_equal_content(desk: Desk, shown: AnyShown) -> None:
    """Or else an edit would not be seen."""
    item = {"item": "carrier"}
    cut = {"kind": "edge", **item, "src": 0, "dst": 1, "state": "removed"}
    acts: list[list[dict[str, object]]] = [
        [],
        [cut],
        [cut, {"kind": "reason", **item, "src": 0, "dst": 1, "text": "no"}],
        [{**cut, "state": "added"}],
        [{"kind": "replace", **item, "slot": 0, "to": "carrier/k03"}],
        [{"kind": "replace", **item, "slot": 1, "to": "carrier/k03"}],
        [
            {"kind": "replace", **item, "slot": 0, "to": "carrier/k03"},
            {"kind": "reason", **item, "src": 0, "text": "yes"},
        ],
        [{"kind": "confirm", **item}],
        [{"kind": "confidence", **item, "level": 2}],
        [{"kind": "remark", **item, "text": "a remark"}],
        [{"kind": "remark", "item": "tank", "text": "a remark"}],
        [{"kind": "confirm", "item": "tank"}],
    ]
    views = [
        GraphView(item="carrier"),
        GraphView(item="tank"),
        GraphView(item="carrier", slot=1),
        GraphView(item="carrier", candidate="carrier/k03"),
        GraphView(item="carrier", candidate="carrier/k04"),
        GraphView(item="carrier", edge=(0, 1)),
        GraphView(item="carrier", sorting="distinct", n_listed=3),
        GraphView(item="carrier", n_listed=3),
    ]
    standing = desk.standing(shown, "ada", NOW)
    found: dict[tuple[str, str], str] = {}
    for messages in acts:
        draft = edited(shown, *messages)
        for view in views:
            for name, part in parts_of(shown, draft, view, standing, "ada", NOW).items():
                # What follows in place is not made anew with the drawing.
                if isinstance(part, Keyed) and not part.followers:
                    text = text_of(part)
                    assert found.setdefault((name, part.key), text) == text
    assert len(found) > len(views)
