from datetime import UTC, datetime, timedelta

import pytest

from feedback.decision import ReviewState
from feedback.errors import (
    ClosedRequestError,
    ContradictionError,
    MalformedDocumentError,
    UnknownTargetError,
)
from feedback.identity import identify
from feedback.inbox import submit
from feedback.layout import upload_key
from feedback.policy import signed_policy, single_policy
from feedback.recording import load_decision, record_decision, record_transition
from feedback.rejections import reject
from feedback.reviewers import Registry, ReviewerKey, ReviewerRecord
from feedback.signing import generate_key
from feedback.upload import parse_upload
from feedback.watching import watch_once
from review.desk import Desk
from review.draft import Draft
from review.settings import PageSettings
from review.shown import AnyShown
from review.submitting import hand_in, write_document
from tests.feedback.memory import MemoryStore
from tests.review.conftest import edited
from tests.review_request import make_answer

NOW = datetime.now(UTC)
ADA = PageSettings(reviewer="ada")


REPLACE = {"kind": "replace", "item": "carrier", "slot": 0, "to": "carrier/k03"}


def answered(shown: AnyShown) -> Draft:
    return edited(shown, {"kind": "comment", "text": "looks better"}, REPLACE)


def test_an_answer_lies_in_the_reviewers_inbox_and_nothing_else_is_written(
    desk: Desk, shown: AnyShown, store: MemoryStore
) -> None:
    before = set(store.objects)
    sent = hand_in(desk, shown, answered(shown), "approve", settings=ADA, reviewer="ada", now=NOW)
    assert set(store.objects) - before == {sent.key}
    assert sent.key == upload_key(shown.bundle.request_id, "ada", sent.nonce)
    document = parse_upload(store.get(sent.key)).document
    assert (document.verdict, document.comment) == ("approve", "looks better")
    assert document.responses[0]["ops"] == [
        {
            "op": "replace_concept", "slot": 0, "from": "carrier/k00", "to": "carrier/k03",
            "reason": "",
        }
    ]  # fmt: skip


def test_the_page_signs_for_whom_it_vouches(
    desk: Desk, shown: AnyShown, store: MemoryStore
) -> None:
    key = generate_key()
    settings = PageSettings(reviewer="ada", key=key, page_name="desk")
    sent = hand_in(
        desk, shown, answered(shown), "approve", settings=settings, reviewer="ada", now=NOW
    )
    upload = parse_upload(store.get(sent.key))
    keys = (ReviewerKey(key_id=key.key_id, public_key=key.public_key, enrolled_at=NOW),)
    people = Registry(
        [
            ReviewerRecord(id="desk", kind="page", keys=keys, enrolled_by="root", enrolled_at=NOW),
            ReviewerRecord(id="ada", roles=("reviewer",), enrolled_by="root", enrolled_at=NOW),
        ]
    )
    policy = signed_policy()
    seats = identify(
        upload.document, upload.signature, arrived_at=NOW, registry=people, policy=policy
    )
    assert [seat.role for seat in seats] == ["reviewer"]


def test_a_rejection_sends_remarks_and_no_edits(shown: AnyShown) -> None:
    remark = {"kind": "remark", "item": "carrier", "text": "shows the sea"}
    draft = edited(shown, remark, draft=answered(shown))
    document = write_document(shown, draft, "reject", reviewer="ada", nonce="n" * 8, now=NOW)
    assert document.responses == ()
    assert document.comment == "looks better\ncarrier: shows the sea"


def test_a_comment_that_is_too_long_with_its_remarks_is_refused_not_cut(shown: AnyShown) -> None:
    remark = {"kind": "remark", "item": "carrier", "text": "x" * 91}
    draft = edited(shown, {"kind": "comment", "text": "😀" * 3899}, remark)
    # 3899, a line break, "carrier: " and 91.
    document = write_document(shown, draft, "approve", reviewer="ada", nonce="n" * 8, now=NOW)
    assert len(document.comment) == 4000
    longer = edited(shown, {**remark, "text": "x" * 103}, draft=draft)
    told = r"the remarks on carrier, which go into it \(got 4012, 12 too many\)"
    with pytest.raises(MalformedDocumentError, match=told):
        write_document(shown, longer, "reject", reviewer="ada", nonce="n" * 8, now=NOW)


@pytest.mark.parametrize("verdict", ["reject", "request_changes"])
def test_a_no_without_a_reason_is_refused(shown: AnyShown, verdict) -> None:
    draft = edited(shown)
    with pytest.raises(ContradictionError, match="say"):
        write_document(shown, draft, verdict, reviewer="ada", nonce="n" * 8, now=NOW)


def withdraw(store: MemoryStore, shown: AnyShown) -> None:
    record_decision(store, shown.bundle, ReviewState.WITHDRAWN, policy="single")


def expire(store: MemoryStore, shown: AnyShown) -> None:
    record_decision(store, shown.bundle, ReviewState.EXPIRED, policy="single")


def let_go_stale(store: MemoryStore, shown: AnyShown) -> None:
    request_id = shown.bundle.request_id
    submit(store, request_id, "bob", "nonce-0001", make_answer(shown.bundle, reviewer="bob"))
    watch_once(store, single_policy(), datetime.now(UTC))
    record_transition(store, request_id, ReviewState.STALE, reason="version 4 is champion")


@pytest.mark.parametrize(
    ("close", "state"), [(withdraw, "withdrawn"), (expire, "expired"), (let_go_stale, "stale")]
)
def test_a_decided_request_takes_nothing_more(
    desk: Desk, shown: AnyShown, store: MemoryStore, close, state: str
) -> None:
    assert desk.recent_standing(shown, "ada", NOW).takes_answers
    close(store, shown)
    before = dict(store.objects)
    with pytest.raises(ClosedRequestError, match=f"is {state} since"):
        hand_in(desk, shown, answered(shown), "approve", settings=ADA, reviewer="ada", now=NOW)
    assert store.objects == before
    # What the page remembers of a moment ago is not shown any more.
    standing = desk.recent_standing(shown, "ada", NOW)
    assert (standing.state.value.lower(), standing.takes_answers) == (state, False)


def test_an_expired_request_takes_nothing_more(
    desk: Desk, shown: AnyShown, store: MemoryStore
) -> None:
    late, before = NOW + timedelta(days=3), dict(store.objects)
    with pytest.raises(ClosedRequestError, match="expired on"):
        hand_in(desk, shown, answered(shown), "approve", settings=ADA, reviewer="ada", now=late)
    assert store.objects == before


def test_a_refusal_is_shown_to_its_author_alone(
    desk: Desk, shown: AnyShown, store: MemoryStore
) -> None:
    sent = hand_in(desk, shown, answered(shown), "approve", settings=ADA, reviewer="ada", now=NOW)
    waiting = desk.standing(shown, "ada", NOW)
    assert (waiting.waiting, waiting.answered) == (1, ("ada",))
    reject(store, shown.bundle.request_id, sent.key, UnknownTargetError("expected a slot"))
    (refusal,) = desk.standing(shown, "ada", NOW).refused
    assert refusal.reason == "expected a slot"
    other = desk.standing(shown, "bob", NOW)
    assert (other.refused, other.answered, other.waiting) == ((), (), 0)


def test_an_answer_of_the_page_closes_the_request(
    desk: Desk, shown: AnyShown, store: MemoryStore
) -> None:
    sent = hand_in(desk, shown, answered(shown), "approve", settings=ADA, reviewer="ada", now=NOW)
    watch_once(store, single_policy(), datetime.now(UTC))
    decision = load_decision(store, shown.bundle.request_id)
    assert decision is not None
    assert (decision.state, decision.responses[0].key) == (ReviewState.APPROVED, sent.key)
    standing = desk.standing(shown, "ada", datetime.now(UTC))
    assert (standing.takes_answers, standing.accepted) == (False, 1)
    assert "is approved since" in standing.why
