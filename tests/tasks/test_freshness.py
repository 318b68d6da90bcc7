"""A run is skipped only when an earlier one started from all the same and came to its end."""

import json

import pytest

from feedback.closed import accepted_feedback, closed_reviews
from feedback.exchange import check_upload, decide_single
from feedback.layout import decision_key
from feedback.parking import ParkedRun, park
from feedback.policy import single_policy
from feedback.publishing import publish
from feedback.recording import record_decision, record_transition
from feedback.states import ReviewState
from tasks.freshness import StartingPoint, save_finish, save_start, why_skip
from tests.feedback.memory import MemoryStore
from tests.review_request import FILES, NOW, make_bundle, make_document

POINT = StartingPoint(data="d" * 32 + ".dir", code="c", params="p", feedback={"r-1": "x"})


@pytest.fixture
def store():
    return MemoryStore(lambda: NOW)


def decided(store, state, **changes):
    """Close a request by one person's word."""
    bundle = publish(store, make_bundle(**changes), FILES)
    verdicts = {"APPROVED": "approve", "REJECTED": "reject", "CHANGES_REQUESTED": "request_changes"}
    said = make_document(bundle, verdict=verdicts[state], comment="more")
    upload = check_upload(bundle, said)
    return bundle, decide_single(store, bundle, upload, now=NOW)


def expired(store, **changes):
    bundle = publish(store, make_bundle(**changes), FILES)
    return bundle, record_decision(
        store, bundle, ReviewState.EXPIRED, policy=single_policy(), reason="late", now=NOW
    )


def finish(store, point=POINT, run="one", request=None):
    save_start(store, run, point)
    return save_finish(store, "net", run, request)


def test_the_first_run_runs_and_the_same_again_is_skipped_with_the_reason(store):
    assert why_skip(store, "net", "one", POINT) is None
    assert finish(store)
    reason = why_skip(store, "net", "two", POINT)
    assert "nothing changed since run one of" in reason
    assert "data dddddddd, code, parameters and 1 accepted reviews" in reason
    assert why_skip(store, "another", "two", POINT) is None


@pytest.mark.parametrize(
    "change",
    [{"data": "e"}, {"code": "e"}, {"params": "e"}, {"feedback": {}}, {"feedback": {"r-1": "y"}}],
)
def test_any_change_makes_a_run(store, change):
    finish(store)
    changed = POINT.model_copy(update=change)
    assert changed.changes_since(POINT) == tuple(change)
    assert why_skip(store, "net", "two", changed) is None


def test_a_run_that_was_started_but_did_not_finish_is_no_reason(store):
    save_start(store, "one", POINT)
    assert why_skip(store, "net", "two", POINT) is None


def test_a_run_that_waits_for_people_is_not_doubled(store):
    waiting = "0" * 8 + "-0000-0000-0000-" + "0" * 12
    save_start(store, waiting, POINT)
    park(store, ParkedRun("r-9", waiting))
    reason = why_skip(store, "net", "two", POINT)
    assert f"run {waiting} waits for an answer to r-9 already" in reason
    # It is no reason against itself, nor against a run on other data.
    assert why_skip(store, "net", waiting, POINT) is None
    assert why_skip(store, "net", "two", POINT.model_copy(update={"data": "e"})) is None


def test_a_run_that_goes_on_keeps_to_its_first_note(store):
    save_start(store, "one", POINT)
    assert save_start(store, "one", POINT.model_copy(update={"code": "new"})) == POINT
    save_finish(store, "net", "one", None)
    assert why_skip(store, "net", "two", POINT)


def test_a_run_asks_again_after_a_request_that_nobody_answered(store):
    bundle, _ = expired(store)
    assert not finish(store, request=bundle.request_id)
    assert why_skip(store, "net", "two", POINT) is None


@pytest.mark.parametrize(
    ("state", "remedy"),
    [("CHANGES_REQUESTED", "raise review.follow_ups, or change the data"), ("REJECTED", "change")],
)
def test_a_run_that_was_refused_is_skipped_and_the_reason_names_its_review(store, state, remedy):
    bundle, _ = decided(store, state)
    assert finish(store, request=bundle.request_id) is True
    reason = why_skip(store, "net", "two", POINT)
    assert f"its review {bundle.request_id} ended {state}" in reason
    assert f"the same is not asked again: {remedy}" in reason
    # A higher bound is another parameter, so that run is not skipped.
    more = POINT.model_copy(update={"params": "p with follow_ups=3"})
    assert why_skip(store, "net", "two", more) is None


def test_a_reason_of_many_lines_becomes_one_that_is_bounded(store):
    bundle = publish(store, make_bundle(), FILES)
    record_decision(
        store, bundle, ReviewState.CHANGES_REQUESTED, policy="old", reason="no\n" * 900, now=NOW
    )
    finish(store, request=bundle.request_id)
    reason = why_skip(store, "net", "two", POINT)
    assert "\n" not in reason
    assert len(reason) < 800


def test_a_note_of_an_earlier_version_still_skips(store):
    finish(store)
    note = json.loads(store.get("finished/net.json"))
    del note["refused"]
    store.put("finished/net.json", json.dumps(note).encode())
    assert "nothing changed since run one" in why_skip(store, "net", "two", POINT)


def test_the_review_that_a_run_has_used_is_nothing_new(store):
    start = POINT.model_copy(update={"feedback": {}})
    bundle, _ = decided(store, "APPROVED")
    assert finish(store, start, request=bundle.request_id) is True
    # The model of the request is another one: only reviews of the same model count.
    assert why_skip(store, "net", "two", start)
    model = bundle.model.name
    save_finish(store, model, "one", bundle.request_id)
    now = start.model_copy(update={"feedback": accepted_feedback(store, model)})
    assert list(now.feedback) == [bundle.request_id]
    assert why_skip(store, model, "two", now)
    other, _ = decided(store, "APPROVED", notes="another")
    newer = start.model_copy(update={"feedback": accepted_feedback(store, model)})
    assert set(newer.feedback) == {bundle.request_id, other.request_id}
    assert why_skip(store, model, "two", newer) is None


def test_only_what_was_approved_and_not_taken_back_is_accepted_feedback(store):
    model = "resnet18"
    decided(store, "REJECTED", notes="no")
    expired(store, notes="late")
    bundle, closing = decided(store, "APPROVED", notes="yes")
    assert accepted_feedback(store, model) == {bundle.request_id: closing.digest}
    record_transition(store, bundle.request_id, ReviewState.PROMOTED, now=NOW)
    assert accepted_feedback(store, model) == {bundle.request_id: closing.digest}
    record_transition(store, bundle.request_id, ReviewState.REVOKED, reason="wrong", now=NOW)
    assert accepted_feedback(store, model) == {}


def test_a_review_that_cannot_be_verified_is_left_out(store, caplog):
    bundle, _ = decided(store, "APPROVED")
    key = decision_key(bundle.request_id, 1)
    store.put(key, store.get(key).replace(b"approve", b"reject!"))
    assert closed_reviews(store) == []
    assert "is left out" in caplog.text
    # One that was decided by a rule nobody trusts here is left out too.
    other, _ = decided(store, "APPROVED", notes="fine")
    strict = single_policy().model_copy(update={"name": "strict"})
    assert [r.bundle.request_id for r in closed_reviews(store)] == [other.request_id]
    assert closed_reviews(store, policies=[strict]) == []


def test_a_damaged_note_makes_a_run(store):
    finish(store)
    store.put("finished/net.json", b"{")
    assert why_skip(store, "net", "two", POINT) is None
