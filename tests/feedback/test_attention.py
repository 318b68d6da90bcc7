"""Approvals that were given in haste: refused with what is missing; objections never are."""

import pytest

from feedback.attention import missing_attention
from feedback.errors import DigestMismatchError
from feedback.exchange import load_decision, load_rejections
from feedback.layout import decision_key, policy_key
from feedback.policy import Policy
from feedback.policy_options import Attention
from feedback.states import ReviewState
from tests.feedback.people import Office, step
from tests.review_request import CUT, make_edit

TITLES = {"a": "Carrier", "b": "Tank", "c": "Jet"}
POLICY = Policy.model_validate(
    {
        "name": "slow",
        "roles": {"domain": {}},
        "attention": {"seconds": 60, "seconds_per_item": 5},
    }
)


@pytest.mark.parametrize(
    ("rule", "answered", "spent", "by_item", "lacking"),
    [
        ({"seconds": 60}, "ab", 60, {}, ()),
        ({"seconds": 60}, "ab", 59.4, {}, ("59 s on the request instead of 60 s",)),
        ({"seconds": 60}, "", None, {}, ("an unknown time on the request instead of 60 s",)),
        ({"seconds_per_item": 5}, "", None, {}, ()),
        ({"seconds_per_item": 5}, "ab", None, {"a": 5.0, "b": 7}, ()),
        ({"seconds_per_item": 5}, "ab", 99, {"a": 4, "c": 9},
         ("Carrier: 4 s instead of 5 s", "Tank: not opened instead of 5 s")),
        ({"seconds_per_item": 5, "items": "all"}, "a", 99, {"a": 5, "b": 5},
         ("Jet: not opened instead of 5 s",)),
        # Of something that is no item nobody can have looked; the channel refuses such answers.
        ({"seconds_per_item": 5}, "z", 99, {}, ()),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(
    rule: dict[str, object],
    answered: str,
    spent: float | None,
    by_item: dict[str, float],
    lacking: tuple[str, ...],
) -> None:
    attention = Attention.model_validate(rule)
    assert missing_attention(attention, TITLES, answered, spent, by_item) == lacking


def test_only_the_first_few_items_are_named() -> None:
    titles = {str(n): f"class {n}" for n in range(37)}
    attention = Attention(seconds_per_item=1, items="all")
    lacking = missing_attention(attention, titles, (), 0, {})
    assert (len(lacking), lacking[-1]) == (6, "32 more of them")


def test_a_hasty_approval_is_refused_with_its_reason_and_a_slower_one_counts(
    office: Office,
) -> None:
    edits = [make_edit(CUT)]
    hasty = {"responses": edits, "seconds_spent": 61.0, "seconds_by_item": {"tank": 50.0}}
    office.upload("ada", "nonce-0001", office.signed("ada", "nonce-0001", **hasty))
    report = step(office, POLICY)
    assert report.decisions == []
    (refusal,) = load_rejections(office.store, office.bundle.request_id)
    assert refusal.kind == "HasteError"
    assert "carrier: not opened instead of 5 s" in refusal.reason
    assert "seconds_by_item" in refusal.reason
    slow = {**hasty, "seconds_by_item": {"carrier": 5.0}}
    office.upload("ada", "nonce-0002", office.signed("ada", "nonce-0002", **slow))
    (decision,) = step(office, POLICY).decisions
    assert decision.state is ReviewState.APPROVED
    assert len(decision.responses) == 1


@pytest.mark.parametrize("verdict", ["reject", "request_changes"])
def test_an_objection_may_be_quick(office: Office, verdict: str) -> None:
    data = office.signed("ada", "nonce-0001", verdict=verdict, comment="no")
    office.upload("ada", "nonce-0001", data)
    (decision,) = step(office, POLICY).decisions
    assert decision.state is not ReviewState.APPROVED


def test_a_decision_that_was_made_of_a_hasty_approval_is_refused(office: Office) -> None:
    """Even who holds a genuine signed answer and may write decisions cannot make it count."""
    plain = POLICY.model_copy(update={"attention": None})
    office.upload("ada", "nonce-0001")
    (made,) = step(office, plain).decisions
    assert made.state is ReviewState.APPROVED
    forged = made.model_copy(update={"policy_sha256": POLICY.digest})
    office.store.put(policy_key(POLICY.digest), POLICY.to_json())
    office.store.put(decision_key(office.bundle.request_id, 1), forged.to_json())
    with pytest.raises(DigestMismatchError):
        load_decision(office.store, office.bundle.request_id)


def test_an_answer_without_times_keeps_its_bytes(office: Office) -> None:
    document = office.document("ada", "nonce-0001")
    assert b"seconds_by_item" not in document.to_json()
    told = office.document("ada", "nonce-0001", seconds_by_item={"tank": 1.5})
    assert b'"seconds_by_item":{"tank":1.5}' in told.to_json()
