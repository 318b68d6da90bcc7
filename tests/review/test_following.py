"""A follow-up on the page: what was said before, and a draft that starts from what is proposed."""

import html
import json
import re
from datetime import UTC, datetime

import pytest

from feedback.bundle import ReviewBundle
from feedback.document import parse_document
from feedback.errors import UnknownTargetError
from feedback.fields import JsonObject
from feedback.follow_up import FollowUp
from feedback.following import freeze_follow_up
from feedback.publishing import publish
from feedback.upload import parse_upload
from flows.commands.show_review import empty_answer
from review.acting import Visit, act_on
from review.answer_view import answer_dialog
from review.catalogue import Catalogue
from review.changes import changes_of
from review.desk import Desk
from review.following_view import banner, is_as_proposed, proposal_note, said_before
from review.inbox import read_inbox
from review.inbox_view import inbox_view
from review.offline.page import offline_page
from review.opened import Opened, read_opened
from review.request_view import frame, parts_of
from review.settings import PageSettings
from review.shown import AnyShown
from review.submitting import hand_in
from tests.feedback.channels.saliency_grid.images import DIGESTS
from tests.feedback.memory import MemoryStore
from tests.review.conftest import FILES, OPS, edited, publish_request, text_of
from tests.review_request import CUT, make_edit
from tests.saliency_request import FILES as SQUARES
from tests.saliency_request import publish_squares
from tests.toy_channel import add_toy, publish_tiles

NOW = datetime.now(UTC)
ADA = PageSettings(reviewer="ada")
EDIT = make_edit(
    *(op.model_dump(mode="json", by_alias=True) for op in OPS), comment="see the hull", confidence=4
)
RIGHT = make_edit(class_name="tank")

__all__ = ["add_toy"]


def follow(
    store: MemoryStore, bundle, files, *proposed: JsonObject, base=None, since=None, **changes
) -> ReviewBundle:
    """Publish a follow-up of a request, against a champion if there is one."""
    values = {
        "number": 1,
        "request_id": bundle.request_id,
        "decision_sha256": "c" * 64,
        "state": "CHANGES_REQUESTED",
        "reason": "changes requested by bob",
        "said": [{"reviewer": "bob", "verdict": "request_changes", "comment": "cut <b>it</b>"}],
        "proposed": proposed,
    }
    follows = FollowUp.model_validate({**values, **changes})
    made = freeze_follow_up(bundle, follows, created_at=NOW, author="eve", run="r")
    return publish(store, made.model_copy(update={"base": base, "since": since}), files)


@pytest.fixture
def shown(store: MemoryStore, desk: Desk) -> AnyShown:
    bundle = follow(store, publish_request(store), FILES, EDIT, RIGHT)
    return desk.open(bundle.request_id)


def test_the_draft_starts_from_what_is_proposed_and_can_be_undone(shown: AnyShown) -> None:
    draft = shown.first_draft()
    assert list(draft.items) == ["carrier", "tank"]
    carrier = draft.items["carrier"]
    # A replaced concept, a cut edge, and one that was asserted both ways.
    assert (carrier.n_edits, carrier.comment) == (4, "see the hull")
    assert [edit.reason for edit in carrier.concepts] == ["all <sea>"]
    # How sure somebody else was is not one's own.
    assert carrier.confidence is None
    assert draft.items["tank"].confirmed
    once = edited(shown, {"kind": "undo"}, draft=draft)
    assert len(once.items) == 1
    twice = edited(shown, {"kind": "undo"}, draft=once)
    assert twice.items == {}
    assert edited(shown, {"kind": "redo"}, {"kind": "redo"}, draft=twice).items == draft.items


def test_what_is_proposed_is_sent_only_by_whoever_answers(
    shown: AnyShown, desk: Desk, store: MemoryStore
) -> None:
    before = set(store.objects)
    sent = hand_in(
        desk, shown, shown.first_draft(), "approve", settings=ADA, reviewer="ada", now=NOW
    )
    assert set(store.objects) - before == {sent.key}
    responses = parse_upload(store.get(sent.key)).document.responses
    assert [one["class_name"] for one in responses] == ["carrier", "tank"]
    assert len(responses[0]["ops"]) == 4
    assert responses[1]["ops"] == []


def test_a_draft_that_the_browser_kept_counts_before_the_proposals(
    shown: AnyShown, desk: Desk
) -> None:
    path = f"/requests/{shown.bundle.request_id}"
    fresh = read_opened(desk, path, [None], None).draft
    assert fresh == shown.first_draft()
    emptied = edited(shown, {"kind": "reset", "item": "carrier"}, draft=fresh)
    kept = emptied.model_dump(mode="json")
    assert read_opened(desk, path, [kept], None).draft == emptied
    # One of the request before is of other evidence, as far as answers go.
    foreign = kept | {"bundle_sha256": "0" * 64}
    assert read_opened(desk, path, [foreign], None).draft == fresh


def test_the_page_tells_what_was_said_and_what_is_proposed(shown: AnyShown, desk: Desk) -> None:
    draft, standing = shown.first_draft(), desk.standing(shown, "ada", NOW)
    head = text_of(frame(shown, standing, NOW))
    assert "follow-up 1" in head
    parts = parts_of(shown, draft, shown.panel.VIEW(), standing, "ada", NOW)
    # All of it can be drawn without Dash.
    assert set(changes_of(parts, {}, ()).parts) == {"rail", "page-follow", "overview"}
    told = text_of(parts["page-follow"])
    assert "ended with a call for changes" in told
    assert f"/requests/{shown.bundle.follows.request_id}" in told
    assert "Your draft starts from what was said of 2 classes" in told
    overview = text_of(parts["overview"])
    for words in ("What was said before", "bob", "asked for changes", "cut <b>it</b>",
                  "slot 1: k00 → k03", "all <sea>", "see the hull", "right as it is"):  # fmt: skip
        assert words in overview, words
    assert overview.count("in your draft") == 2
    # Before what changed since the champion.
    assert overview.index("What was said before") < overview.index("Since the champion")


def test_each_item_says_that_it_was_proposed_until_it_was_changed(shown: AnyShown) -> None:
    draft = shown.first_draft()

    def note(item: str, said) -> str:
        return text_of(proposal_note(shown, item, said))

    assert "in your draft" in note("carrier", draft.items["carrier"])
    assert '\\"kind\\": \\"reset\\"' in note("carrier", draft.items["carrier"])
    less = edited(
        shown,
        {"kind": "edge", "item": "carrier", "src": 1, "dst": 0, "state": "as_shown"},
        draft=draft,
    )
    assert "changed by you" in note("carrier", less.items["carrier"])
    none = edited(shown, {"kind": "reset", "item": "carrier"}, draft=draft)
    assert "taken back" in note("carrier", shown.said(none, "carrier"))
    assert "take_proposed" in note("carrier", shown.said(none, "carrier"))
    back = edited(shown, {"kind": "take_proposed", "item": "carrier"}, draft=none)
    assert back.items == draft.items
    # Of a class that nobody proposed anything of, nothing is said.
    other = next(item for item in shown.titles if item not in shown.proposals)
    assert proposal_note(shown, other, shown.panel.DRAFT()) is None
    with pytest.raises(UnknownTargetError, match="with proposed edits"):
        edited(shown, {"kind": "take_proposed", "item": other})


def test_remarks_alone_make_no_other_proposal(shown: AnyShown) -> None:
    draft = edited(
        shown,
        {"kind": "remark", "item": "carrier", "text": "mine"},
        {"kind": "confidence", "item": "carrier", "level": 2},
        draft=shown.first_draft(),
    )
    assert is_as_proposed(shown, "carrier", draft.items["carrier"])


def test_the_answer_says_what_is_as_it_was_proposed(shown: AnyShown, desk: Desk) -> None:
    draft = edited(
        shown,
        {"kind": "edge", "item": "carrier", "src": 1, "dst": 0, "state": "as_shown"},
        draft=shown.first_draft(),
    )
    standing = desk.standing(shown, "ada", NOW)
    told = text_of(answer_dialog(shown, draft, shown.panel.VIEW(), standing))
    assert told.count(" as proposed") == 1


def test_a_message_undoes_a_proposal_as_any_edit(shown: AnyShown, desk: Desk) -> None:
    before = Opened(shown, shown.first_draft(), shown.panel.VIEW())
    visit = Visit(desk, ADA, "ada", NOW, None)
    acts = [{"kind": "reset", "item": item} for item in shown.proposals]
    after, told = act_on(before, acts, visit)
    assert (after.draft.items, told) == ({}, None)
    again = [{"kind": "take_proposed", "item": item} for item in shown.proposals]
    assert act_on(after, again, visit)[0].draft.items == before.draft.items


def test_contradictions_and_what_cannot_be_shown_are_named(store: MemoryStore, desk: Desk) -> None:
    wrong = (
        make_edit({**CUT, "dst": 9}),
        {"type": "graph_edit"},
        make_edit(CUT, class_name="tank", base_cscg="f" * 64),
        make_edit(CUT, class_name="zeppelin"),
    )
    bundle = follow(
        store, publish_request(store), FILES, *wrong, RIGHT,
        state="PARTIAL", conflicts=("carrier",),
    )  # fmt: skip
    shown = desk.open(bundle.request_id)
    assert list(shown.proposals) == ["tank"]
    told = text_of(said_before(shown, shown.first_draft()))
    assert "Edited differently, so not proposed: carrier." in told
    assert "4 answers of the request before cannot be gone on from here." in told
    assert "approved in part" in text_of(banner(shown))


def test_a_stale_approval_says_what_another_yes_does(store: MemoryStore, desk: Desk) -> None:
    said = [{"reviewer": "bob", "verdict": "approve"}]
    bundle = follow(store, publish_request(store), FILES, EDIT, state="STALE", said=said)
    shown = desk.open(bundle.request_id)
    assert "another version had become champion" in text_of(banner(shown))
    told = text_of(said_before(shown, shown.first_draft()))
    assert "only tries the promotion once more; else they are trained then" in told
    assert "approved" in told


def test_a_stale_approval_by_rule_is_not_passed_off_as_a_persons(
    store: MemoryStore, desk: Desk
) -> None:
    first = publish_request(store)
    by_rule, by_people = (
        desk.open(
            follow(
                store, first, FILES, EDIT, state="STALE", said=[], by_rule=is_ruled
            ).request_id
        )
        for is_ruled in (True, False)
    )  # fmt: skip
    assert "approved by rule, by no person, and too late" in text_of(banner(by_rule))
    assert "No person approved it" in text_of(said_before(by_rule, by_rule.first_draft()))
    assert "by rule" not in text_of(banner(by_people))
    assert "No person" not in text_of(said_before(by_people, by_people.first_draft()))


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


def marks(name: str, **changes: object) -> JsonObject:
    return {
        "type": "saliency_cells", "version": 1, "image": DIGESTS[name], "model_version": "m-3",
        "epoch": 2, "explainer": {"name": "deeplift"}, "grid": {"g": 7, "h": 224, "w": 224},
        "cells": [], "shown": [[0, 6], [1, 6], [3, 3]], "flags": [], **changes,
    }  # fmt: skip


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
