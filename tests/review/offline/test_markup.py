"""Components as text: only what is allowed, and nothing that fetches or runs."""

import pytest
from dash import dcc, html

from review.offline.markup import Writer
from review.parts import button
from review.pieces import Ready


def write(*content: object, places: dict[str, str] | None = None) -> tuple[str, str]:
    writer = Writer({"/pictures/r/d": "a.png"}.get, places or {})
    return writer.write(list(content)), writer.rules  # type: ignore[arg-type]


def test_text_and_attributes_are_escaped() -> None:
    text, _ = write(html.P("<b>&\"'", title='"><script>'))
    assert text == '<p title="&quot;&gt;&lt;script&gt;">&lt;b&gt;&amp;&quot;&#x27;</p>'


@pytest.mark.parametrize(
    "address",
    ["https://evil/x.png", "//evil", "javascript:x", "/pictures/r/e", "data:text/html,x", "../x"],
)
def test_no_address_but_a_picture_of_the_request(address: str) -> None:
    text, _ = write(html.Img(src=address), html.A("on", href=address),
                    Ready([["image", {"href": address}, []]]))  # fmt: skip
    assert text == "<img><a>on</a><image></image>"
    assert write(html.Img(src="/pictures/r/d"))[0] == '<img src="a.png">'


@pytest.mark.parametrize("tag", ["script", "iframe", "style", "object", "meta", "base", "use",
                                 "foreignObject", "set", "animate"])  # fmt: skip
def test_no_element_but_those_that_are_allowed(tag: str) -> None:
    with pytest.raises(TypeError, match=f"got '{tag}'"):
        write(Ready([[tag, {}, []]]))


def test_what_only_a_script_of_dash_draws_is_refused() -> None:
    with pytest.raises(TypeError, match="live_place"):
        write(dcc.Slider())


def test_handlers_and_unknown_attributes_are_dropped() -> None:
    text, _ = write(Ready([["p", {"onclick": "x", "srcdoc": "x", "data-action": "{}", "id": "x",
                                  "className": "a"}, []]]))  # fmt: skip
    assert text == '<p class="a"></p>'


def test_styles_become_rules_and_none_can_fetch() -> None:
    text, rules = write(
        html.Span(style={"width": "40.0%", "--cells": "8"}, className="bar"),
        html.Span(style={"width": "40.0%", "--cells": "8"}),
        html.Span(style={"background": "url(https://evil)", "color": "red;}body{x:y"}),
    )
    assert text == '<span class="bar style0"></span><span class="style0"></span><span></span>'
    assert rules == ".style0{width:40.0%;--cells:8}"


def test_a_button_leads_to_its_item_or_shows_what_it_shows_or_is_left_out() -> None:
    text, _ = write(
        button("ship", {"kind": "look", "item": "ship"}, className="link"),
        button("slot", {"kind": "look", "slot": 1}),
        button("gone", {"kind": "look", "item": "tank"}),
        button("Undo", {"kind": "undo"}),
        button("Take over", [{"kind": "look", "item": "ship"}, {"kind": "replace"}]),
        places={"ship": "p-item-0"},
    )
    assert text == (
        '<a class="card link" href="#p-item-0">ship</a><span class="card">slot</span>'
        '<span class="card">gone</span>'
    )
