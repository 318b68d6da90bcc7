"""Panels are found by name, and a second channel is shown, edited and answered by files alone."""

from datetime import UTC, datetime

import pytest

from feedback.errors import (
    ArtifactError,
    IncompleteChannelError,
    MalformedDocumentError,
    UnknownChannelError,
    UnknownTargetError,
)
from feedback.upload import parse_upload
from review.app import create_app
from review.bar_view import bar
from review.catalogue import Catalogue
from review.desk import Desk
from review.draft import read_draft
from review.inbox import read_inbox
from review.inbox_view import inbox_view
from review.panel import PARTS, available_panels, load_panel
from review.previewing import preview_view
from review.request_view import frame, marks_of, parts_of, shortcuts_view
from review.settings import PageSettings
from review.submitting import hand_in
from tests.feedback.memory import MemoryStore
from tests.review.conftest import edited, publish_request, read, text_of
from tests.toy_channel import TOY, add_toy, publish_tiles

NOW = datetime.now(UTC)
ADA = PageSettings(reviewer="ada")
MARK = {"kind": "toggle", "item": "p1", "cell": [0, 1]}

__all__ = ["add_toy"]


def test_an_unknown_panel_is_named_with_those_that_exist() -> None:
    named = ", ".join(available_panels())
    with pytest.raises(UnknownChannelError, match=rf"expected one of {named} \(got 'tea'\)"):
        load_panel("tea")


def test_a_panel_that_lacks_parts_names_them(add_toy, tmp_path) -> None:
    add_toy()
    (tmp_path / "review.panels" / f"{TOY}.py").write_text("DRAFT = VIEW = LOOK = None\n")
    missing = ", ".join(part for part in PARTS if part not in ("DRAFT", "VIEW", "LOOK"))
    with pytest.raises(IncompleteChannelError, match=rf"\(got none of: {missing}\); add"):
        load_panel(TOY)


def test_a_request_without_a_panel_says_how_else_it_is_answered(
    add_toy, store: MemoryStore, desk: Desk
) -> None:
    add_toy(without=("review.panels",))
    bundle = publish_tiles(store)
    with pytest.raises(ArtifactError, match=f"got '{TOY}'.*parley review show.*review submit"):
        desk.open(bundle.request_id)


def test_evidence_that_a_panel_cannot_read_hides_no_other_request(
    add_toy, store: MemoryStore, desk: Desk
) -> None:
    add_toy()
    publish_request(store)
    bundle = publish_tiles(store, side="wide")
    with pytest.raises(ArtifactError, match=r"got 1 fields that do not fit"):
        desk.open(bundle.request_id)
    told = text_of(inbox_view(read_inbox(Catalogue(desk), "ada", NOW), "ada", NOW))
    assert "1 request waits" in told
    assert "publish the request again" in told


def test_a_panel_is_added_by_files_alone(add_toy, store: MemoryStore, desk: Desk) -> None:
    add_toy()
    assert TOY in available_panels()
    publish_request(store)
    shown = desk.open(publish_tiles(store).request_id)
    told = text_of(inbox_view(read_inbox(Catalogue(desk), "ada", NOW), "ada", NOW))
    assert "2 requests wait" in told
    assert "Squares to click. Nobody has answered yet." in told
    draft = edited(shown, MARK, {"kind": "unusable", "item": "p2"}, {"kind": "undo"})
    view = shown.panel.VIEW(item="p1")
    standing = desk.standing(shown, "ada", NOW)
    page = text_of(frame(shown, standing, NOW))
    assert "3 images" in page
    assert '"data-place": "tiles"' in page
    parts = parts_of(shown, draft, view, standing, "ada", NOW)
    assert list(parts) == ["rail", "tiles", "flags"]
    titles = [f"picture {n}" for n in (2, 1, 0)]
    rail = text_of(parts["rail"])
    assert sorted(titles, key=rail.index) == titles
    assert marks_of(shown, draft, view).pressed == ["item p1", "cell 0 1"]
    assert text_of(shortcuts_view(shown)).index("outlines") < text_of(shortcuts_view(shown)).index(
        "next image without an answer"
    )
    assert create_app(store, ADA).layout is not None


def test_the_bar_tells_the_progress_and_leads_to_what_is_unanswered(
    add_toy, store: MemoryStore, desk: Desk
) -> None:
    add_toy()
    shown = desk.open(publish_tiles(store).request_id)
    standing = desk.standing(shown, "ada", NOW)

    def told(draft, item: str | None) -> str:
        return text_of(bar(shown, draft, shown.panel.VIEW(item=item), standing))

    def leads_to(draft, item: str | None) -> list[str]:
        text = told(draft, item).replace('\\"', '"')
        return [name for name in shown.titles if f'"kind": "look", "item": "{name}"' in text]

    nothing, one = edited(shown), edited(shown, MARK)
    assert " images answered" in told(nothing, None)
    assert " · 0 of 3" in told(nothing, None)
    assert " · 1 of 3" in told(one, "p1")
    # By priority: p2, p1, p0; answered ones are passed over, and after the last comes the first.
    assert leads_to(nothing, None) == ["p2"]
    assert leads_to(one, "p2") == ["p0"]
    assert leads_to(one, "p0") == ["p2"]
    flags = [{"kind": "unusable", "item": name} for name in ("p0", "p2")]
    assert leads_to(edited(shown, *flags, draft=one), "p0") == []


def test_what_is_marked_becomes_an_answer_that_the_gate_takes(
    add_toy, store: MemoryStore, desk: Desk
) -> None:
    add_toy()
    shown = desk.open(publish_tiles(store).request_id)
    draft = edited(shown, MARK, {"kind": "remark", "item": "p1", "text": "a horse"})
    assert preview_view(desk, shown, draft, shown.panel.VIEW(), 0.0)[1] is False
    sent = hand_in(desk, shown, draft, "approve", settings=ADA, reviewer="ada", now=NOW)
    (response,) = parse_upload(store.get(sent.key)).document.responses
    assert response == {
        "type": "tile_marks", "image": "p1", "cells": [[0, 1]], "unusable": False,
    }  # fmt: skip
    saved = draft.model_dump(mode="json")
    assert read_draft(saved, shown.panel.DRAFT, shown.digest) == draft


def test_one_panel_takes_no_message_and_no_draft_of_another(
    add_toy, store: MemoryStore, desk: Desk
) -> None:
    add_toy()
    graphs = desk.open(publish_request(store).request_id)
    tiles = desk.open(publish_tiles(store).request_id)
    replace = {"kind": "replace", "item": "carrier", "slot": 0, "to": "carrier/k03"}
    for shown, message in ((graphs, MARK), (tiles, replace), (tiles, {"kind": "look", "slot": 1})):
        with pytest.raises(MalformedDocumentError, match="an action of this page"):
            read(shown, message)
    for bad in ({**MARK, "cell": [0, 2]}, {**MARK, "item": "p9"}):
        with pytest.raises(UnknownTargetError, match="expected"):
            edited(tiles, bad)
    foreign = edited(graphs, replace).model_dump(mode="json") | {"bundle_sha256": tiles.digest}
    assert read_draft(foreign, tiles.panel.DRAFT, tiles.digest) is None
