"""A follow-up on the page: what was said before, and a draft that starts from what is proposed."""

import pytest

from feedback.errors import UnknownTargetError
from feedback.upload import parse_upload
from review.acting import Visit, act_on
from review.answer_view import answer_dialog
from review.changes import changes_of
from review.desk import Desk
from review.following_view import banner, is_as_proposed, proposal_note, said_before
from review.opened import Opened, read_opened
from review.request_view import frame, parts_of
from review.shown import AnyShown
from review.submitting import hand_in
from tests.feedback.memory import MemoryStore
from tests.review.conftest import FILES, edited, publish_request, text_of
from tests.review.follow_ups import ADA, EDIT, NOW, RIGHT, follow
from tests.review_request import CUT, make_edit
from tests.toy_channel import add_toy

__all__ = ["add_toy"]


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
