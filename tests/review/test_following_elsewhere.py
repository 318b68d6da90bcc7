"""Follow-ups in the inbox, without a network, and of other channels."""

import html
import json
import re

from feedback.document import parse_document
from flows.commands.show_review import empty_answer
from review.catalogue import Catalogue
from review.desk import Desk
from review.following_view import banner, said_before
from review.inbox import read_inbox
from review.inbox_view import inbox_view
from review.offline.page import offline_page
from review.request_view import parts_of
from review.submitting import hand_in
from tests.feedback.channels.saliency_grid.images import DIGESTS
from tests.feedback.memory import MemoryStore
from tests.review.conftest import FILES, publish_request, text_of
from tests.review.follow_ups import ADA, EDIT, NOW, RIGHT, follow, marks
from tests.saliency_request import FILES as SQUARES
from tests.saliency_request import publish_squares
from tests.toy_channel import add_toy, publish_tiles

__all__ = ["add_toy"]


def test_the_page_without_a_network_tells_what_was_said_before(
    store: MemoryStore, desk: Desk
) -> None:
    shown = desk.open(follow(store, publish_request(store), FILES, EDIT, RIGHT).request_id)
    page = offline_page(shown, empty_answer(shown.bundle).model_dump(mode="json")).decode()
    for told in (
        "Follow-up 1",
        "What was said before",
        "cut &lt;b&gt;it&lt;/b&gt;",
        "see the hull",
    ):
        assert told in page
    for told in ("Take over", "Take back", "in your draft", "taken back", "/requests/"):
        assert told not in page


def test_the_inbox_marks_follow_ups_and_others_show_nothing_of_it(
    store: MemoryStore, desk: Desk
) -> None:
    first = publish_request(store)
    follow(store, first, FILES, EDIT)
    told = text_of(inbox_view(read_inbox(Catalogue(desk), "ada", NOW), "ada", NOW))
    assert told.count("follow-up 1") == 1
    plain = desk.open(first.request_id)
    assert (plain.proposals, plain.first_draft()) == ({}, plain.empty_draft())
    assert banner(plain) is None
    assert said_before(plain, plain.empty_draft()) == []
    standing = desk.standing(plain, "ada", NOW)
    assert list(parts_of(plain, plain.empty_draft(), plain.panel.VIEW(), standing, "ada", NOW)) == [
        "rail", "overview",
    ]  # fmt: skip


def test_squares_are_proposed_too_and_who_skipped_proposes_nothing(
    store: MemoryStore, desk: Desk
) -> None:
    cells = [{"r": 1, "c": 6, "w": 1.0}, {"r": 0, "c": 6, "w": 0.5}]
    proposed = (
        marks("ship.png", cells=cells, flags=["artefact"], artefact="rope", seconds_spent=12.0),
        marks("tank.png", flags=["skip"]),
        marks("jet.png"),
    )
    bundle = follow(store, publish_squares(store), SQUARES, *proposed)
    shown = desk.open(bundle.request_id)
    ship, jet = (shown.proposals[DIGESTS[name]] for name in ("ship.png", "jet.png"))
    assert set(shown.proposals) == {DIGESTS["ship.png"], DIGESTS["jet.png"]}
    assert (ship.irrelevant, ship.flags, ship.artefact) == (((0, 6), (1, 6)), ("artefact",), "rope")
    # Nobody has looked at them yet.
    assert (ship.seconds_spent, jet.confirmed) == (0.0, True)
    told = text_of(banner(shown))
    assert "Your draft starts from what was said of 2 images" in told
    sent = hand_in(
        desk, shown, shown.first_draft(), "approve", settings=ADA, reviewer="ada", now=NOW
    )
    assert len(parse_document(store.get(sent.key)).responses) == 2


def test_a_channel_that_was_added_by_files_goes_on_as_well(
    add_toy, store: MemoryStore, desk: Desk
) -> None:
    add_toy()
    said = {"type": "tile_marks", "image": "p1", "cells": [[0, 1]], "unusable": False}
    bundle = follow(store, publish_tiles(store), FILES, said)
    shown = desk.open(bundle.request_id)
    assert shown.first_draft().items["p1"].cells == ((0, 1),)
    page = offline_page(shown, empty_answer(bundle).model_dump(mode="json")).decode()
    (box,) = re.findall(r'<input[^>]*data-whole="true"[^>]*>', page)
    value = json.loads(html.unescape(re.findall(r'value="([^"]*)"', box)[0]))
    assert (value["image"], value["cells"], " checked" in box) == ("p1", [[0, 1]], True)
    assert "1 image" in text_of(banner(shown))
