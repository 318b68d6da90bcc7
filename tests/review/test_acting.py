"""What one message of the browser leads to."""

from datetime import UTC, datetime

from feedback.inbox import check_upload
from review.acting import Visit, act_on
from review.desk import Desk
from review.opened import Opened
from review.panels.concept_graph import GraphView
from review.settings import PageSettings
from review.shown import AnyShown
from tests.review.conftest import edited, text_of

REPLACE = {"kind": "replace", "item": "carrier", "slot": 0, "to": "carrier/k03"}
CUT = {"kind": "edge", "item": "carrier", "src": 0, "dst": 1, "state": "removed"}


def visit(desk: Desk, since: object = None) -> Visit:
    return Visit(desk, PageSettings(reviewer="ada"), "ada", datetime.now(UTC), since)


def opened(shown: AnyShown) -> Opened:
    return Opened(shown, edited(shown), GraphView(item="carrier"))


def test_messages_are_done_in_their_order(desk: Desk, shown: AnyShown) -> None:
    look = {"kind": "look", "src": 0, "dst": 1}
    after, told = act_on(opened(shown), [REPLACE, look, CUT, {"kind": "undo"}], visit(desk))
    assert after.draft.items == edited(shown, REPLACE).items
    assert len(after.draft.future) == 1
    assert (after.view, told) == (GraphView(item="carrier", edge=(0, 1)), None)


def test_nothing_done_leaves_all_as_it_is(desk: Desk, shown: AnyShown) -> None:
    before = opened(shown)
    assert act_on(before, [], visit(desk)) == (before, None)


def test_what_came_before_a_refusal_stays_and_what_follows_is_not_done(
    desk: Desk, shown: AnyShown
) -> None:
    refused = {**REPLACE, "slot": 1, "to": "carrier/k00"}
    for bad in (refused, {"kind": "look", "item": "submarine"}, {"kind": "tea"}, "undo", None):
        after, told = act_on(opened(shown), [REPLACE, bad, CUT], visit(desk))
        assert after.draft == edited(shown, REPLACE)
        assert after.view == GraphView(item="carrier")
        assert "expected" in text_of(told)
        assert '"note refused"' in text_of(told)


def test_an_answer_is_handed_in_once_with_the_time_that_it_took(
    desk: Desk, shown: AnyShown
) -> None:
    since = datetime.now(UTC).timestamp() - 60
    choose = {"kind": "verdict", "verdict": "approve"}
    after, told = act_on(opened(shown), [REPLACE, choose, {"kind": "send"}], visit(desk, since))
    (key,) = (info.key for info in desk.store.list("inbox/"))
    assert f"Your answer is handed in as {key}." in text_of(told)
    document = check_upload(shown.bundle, desk.store.get(key), key=key, reviewer="ada").document
    assert document.verdict == "approve"
    assert 60 <= (document.seconds_spent or 0) < 600
    assert isinstance(after.view, GraphView)
    assert (after.view.verdict, key.endswith(f"{after.view.sent}.json")) == (None, True)


def test_a_time_that_cannot_be_is_not_told(desk: Desk, shown: AnyShown) -> None:
    choose = {"kind": "verdict", "verdict": "approve"}
    for since in (None, "yesterday", 0, 1e12):
        act_on(opened(shown), [choose, {"kind": "send"}], visit(desk, since))
    for info in desk.store.list("inbox/"):
        found = check_upload(shown.bundle, desk.store.get(info.key), key=info.key, reviewer="ada")
        assert found.document.seconds_spent is None
