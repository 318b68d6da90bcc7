"""A page that stands alone: hostile words stay text, nothing leads off it, it can be answered."""

import json
import re
from html.parser import HTMLParser

import pytest

from feedback.bundle import ReviewBundle
from feedback.channels.concept_graph import pack_evidence
from feedback.inbox import check_upload
from flows.commands.show_review import empty_answer
from review.desk import Desk
from review.offline.page import offline_page
from review.shown import AnyShown
from tests.feedback.memory import MemoryStore
from tests.review.conftest import FILES, OPS, SINCE, carried, publish_request
from tests.review_request import CUT, make_edit, make_evidence
from tests.saliency_request import TANK, publish_squares
from tests.toy_channel import TOY, add_toy, publish_tiles

__all__ = ["add_toy"]

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \" onload='x' {{7*7}}"


class Seen(HTMLParser):
    """Every element of a page with its attributes, and its text."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for found, attributes in self.elements if found == tag]


def written(desk: Desk, bundle: ReviewBundle) -> tuple[AnyShown, Seen]:
    shown = desk.open(bundle.request_id)
    return shown, Seen(offline_page(shown, empty_answer(bundle).model_dump(mode="json")))


def hostile_request(store: MemoryStore) -> ReviewBundle:
    """Publish a request whose every free word is hostile."""
    given = make_evidence()
    (first, *others) = given.classes
    cards = tuple(card.model_copy(update={"class_name": HOSTILE}) for card in first.candidates)
    named = first.model_copy(
        update={"class_name": HOSTILE, "candidates": cards, "carried": tuple(map(carried, OPS))}
    )
    evidence, items = pack_evidence(given.model_copy(update={"classes": (named, *others)}), {})
    return publish_request(
        store, evidence=evidence, items=items, notes=HOSTILE, files=FILES, since=SINCE
    )


@pytest.mark.parametrize("publish", [publish_request, publish_squares, hostile_request])
def test_nothing_on_it_leads_off_it(desk: Desk, store: MemoryStore, publish) -> None:
    bundle = publish(store)
    shown, seen = written(desk, bundle)
    places = {attributes["id"] for _, attributes in seen.elements if "id" in attributes}
    for tag, attributes in seen.elements:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name != "style"
            if name == "src" or (name == "href" and tag == "image"):
                assert value in bundle.files
            elif name == "href":
                assert value[0] == "#"
                assert value[1:] in places
            else:
                assert name not in ("action", "formaction", "srcset", "data", "xlink:href")
    assert {"script", "style"} & {tag for tag, _ in seen.elements} == {"script", "style"}
    assert (len(seen.all("script")), len(seen.all("style")), seen.all("link")) == (1, 1, [])
    assert set(shown.titles.values()) <= {one.get("data-told") for one in seen.all("article")}
    (policy,) = (one for one in seen.all("meta") if "http-equiv" in one)
    assert policy["content"].startswith("default-src 'none'; img-src 'self' file:; style-src 'sha")
    assert "unsafe" not in policy["content"]


def test_hostile_words_are_text(desk: Desk, store: MemoryStore) -> None:
    bundle = hostile_request(store)
    shown, seen = written(desk, bundle)
    assert HOSTILE in seen.text
    page = offline_page(shown, empty_answer(bundle).model_dump(mode="json"))
    assert b"alert(1)" in page
    assert b"<script>alert" not in page
    assert b"<img src=x" not in page
    assert {one["src"] for one in seen.all("img")} <= set(bundle.files)
    (item,) = (one for one in seen.all("article") if one["data-told"] == HOSTILE)
    assert json.loads(item["data-answer"])["class_name"] == HOSTILE


def test_it_shows_what_the_page_shows(desk: Desk, store: MemoryStore) -> None:
    _, seen = written(desk, publish_request(store, notes="Look at the sea.\nTwice."))
    for told in (
        "Look at the sea.\nTwice.", "What is confused", "speaks for the class", "k03",
        "Right as it is", "TCAV", "mean contribution to the class's logit",
    ):  # fmt: skip
        assert told in seen.text
    assert {"svg", "image", "polygon"} <= {tag for tag, _ in seen.elements}
    # What only a server could do is not offered.
    for told in ("Take all back", "Sort by", "Show 12 more"):
        assert told not in seen.text
    rows = [one for one in seen.all("a") if "link" in one.get("class", "")]
    assert {one["href"] for one in rows} == {"#p-item-0", "#p-item-1", "#p-item-2"}


def test_proposals_of_earlier_reviews_are_told_without_a_button(
    desk: Desk, store: MemoryStore
) -> None:
    _, seen = written(desk, hostile_request(store))
    assert "all <sea>" in seen.text
    assert "Take over" not in seen.text


def test_the_template_is_an_answer_once_it_is_filled_in(desk: Desk, store: MemoryStore) -> None:
    bundle = publish_request(store)
    _, seen = written(desk, bundle)
    (text,) = re.findall(r'\{\n  "schema_version".*?\n\}', seen.text, re.DOTALL)
    template = json.loads(text)
    filled = {**template, "reviewer": "ada", "responses": [make_edit(CUT)]}
    checked = check_upload(bundle, json.dumps(filled).encode(), reviewer="ada")
    assert checked.document.responses == (make_edit(CUT),)
    assert checked.document.nonce == template["nonce"]


def test_every_choice_is_one_that_the_gate_takes(desk: Desk, store: MemoryStore) -> None:
    """Each value is put into an answer of its own, as the script puts it there."""
    for bundle in (publish_request(store), publish_squares(store, allow_important=True)):
        _, seen = written(desk, bundle)
        empty = {one["data-item"]: json.loads(one["data-answer"]) for one in seen.all("article")}
        tried = 0
        item, into = "", ""
        for tag, one in seen.elements:
            if "data-into" in one:
                item, into = one["data-item"], one["data-into"]
            values = []
            if "data-turns" in one:
                values = json.loads(one["data-turns"])
            elif tag == "option" and one["value"].startswith('{"op"'):
                values = [json.loads(one["value"])]
            for value in values[:1]:
                response = {**empty[item], into: [*empty[item][into], value]}
                answer = {**empty_answer(bundle).model_dump(mode="json"), "reviewer": "ada"}
                check_upload(bundle, json.dumps({**answer, "responses": [response]}).encode())
                tried += 1
        assert tried > 20


def test_a_channel_is_added_by_files_alone(add_toy, desk: Desk, store: MemoryStore) -> None:
    add_toy()
    bundle = publish_tiles(store)
    _, seen = written(desk, bundle)
    assert [one["data-told"] for one in seen.all("article")] == [f"picture {n}" for n in (2, 1, 0)]
    assert json.loads(seen.all("article")[0]["data-answer"])["type"] == "tile_marks"
    assert bundle.channel == TOY


def test_a_square_outside_the_batch_is_never_named(desk: Desk, store: MemoryStore) -> None:
    _, seen = written(desk, publish_squares(store))
    turned = [one for one in seen.all("button") if one.get("data-item") == TANK]
    cells = [(cell["r"], cell["c"]) for one in turned for cell in json.loads(one["data-turns"])]
    side = round(len(cells) ** 0.5)
    assert sorted(cells) == [(r, c) for r in range(side) for c in range(side)]
