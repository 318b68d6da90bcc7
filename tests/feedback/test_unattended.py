"""After an objection of people, of whatever kind, no rule approves what they objected to."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from feedback.bundle import ReviewBundle
from feedback.channels.concept_graph import pack_evidence
from feedback.opening import open_request
from feedback.policy import Policy
from feedback.publishing import publish
from feedback.recording import load_decision, record_transition
from feedback.reviewers import revoke
from feedback.states import ReviewState
from feedback.unattended import count_unattended
from tests.feedback.people import PAIR, Office, step
from tests.feedback.ruled import (
    BASE,
    DAY,
    POLICY,
    RULE,
    SINCE,
    repeating_bundle,
    repeating_evidence,
)
from tests.review_request import FILES, NOW

MINUTE = timedelta(minutes=1)
SPLIT = Policy.model_validate(
    {
        "name": "split",
        "roles": {"domain": {}, "ml": {}, "lead": {"approvals": 0}},
        "adjudicator": "lead",
        "deadline_hours": 72,
        "auto_approve": RULE,
    }
)
OTHER = repeating_bundle(similarity=0.99)


def run_again(office: Office, policy: Policy) -> ReviewBundle:
    """Publish the office's evidence as the next run does, made against the same champion."""
    asked = office.bundle.model_copy(update={"created_at": office.now, "base": None})
    count = count_unattended(office.store, asked, [policy])
    asked = asked.model_copy(update={"since": SINCE.model_copy(update={"unattended": count})})
    return open_request(
        office.store, asked, FILES, base=BASE, policies=[policy], now=office.now
    )  # fmt: skip


def say(office: Office, reviewer: str, verdict: str, nonce: str = "nonce-0001") -> None:
    data = office.signed(reviewer, nonce, verdict=verdict, comment="no")
    office.upload(reviewer, nonce, data)


def approve_other(office: Office, at: datetime) -> None:
    """Let people approve other evidence of the model, alone under the policy of one reviewer."""
    bundle = OTHER.model_copy(update={"created_at": at})
    other = replace(office, bundle=publish(office.store, bundle, FILES), now=at)
    other.store, other.keys = office.store, office.keys
    office.now = at
    other.enrol("ada", ("domain",))
    other.upload("ada", "nonce-0009")
    made = {one.request_id: one for one in step(other, POLICY).decisions}
    assert made[bundle.request_id].responses


def test_evidence_that_somebody_rejected_before_it_expired_is_not_approved_by_rule() -> None:
    office = Office(bundle=repeating_bundle())
    say(office, "ada", "reject")
    # One rejects, and the other place is still waited for until the deadline.
    assert step(office, SPLIT).decisions == []
    office.now = NOW + 3 * DAY
    (decision,) = step(office, SPLIT).decisions
    assert (decision.state, len(decision.responses)) == (ReviewState.EXPIRED, 1)
    second = run_again(office, SPLIT)
    assert (second.round, second.since and second.since.unattended) == (2, None)
    office.now += DAY
    assert step(office, SPLIT).decisions == []


def test_evidence_that_nobody_answered_in_time_may_still_be_approved_by_rule() -> None:
    office = Office(bundle=repeating_bundle(since=None))
    office.now = NOW + 3 * DAY
    assert [one.state for one in step(office, POLICY).decisions] == [ReviewState.EXPIRED]
    second = run_again(office, POLICY)
    assert (second.round, second.since and second.since.unattended) == (2, 0)
    office.now += DAY
    assert [one.by_rule for one in step(office, POLICY).decisions] == [True]


def test_an_answer_that_is_in_no_decision_is_an_answer_all_the_same() -> None:
    """Its giver was taken off before the deadline."""
    office = Office(bundle=repeating_bundle())
    say(office, "ada", "approve")
    step(office, SPLIT)
    revoke(office.store, "ada", now=office.now, why="left")
    office.now = NOW + 3 * DAY
    (decision,) = step(office, SPLIT).decisions
    assert (decision.state, decision.responses) == (ReviewState.EXPIRED, ())
    assert count_unattended(office.store, OTHER, [SPLIT]) is None


@pytest.mark.parametrize("is_judged", [True, False])
def test_a_request_that_was_answered_and_withdrawn_is_asked_of_people_again(
    is_judged: bool,
) -> None:
    """The run withdraws it itself when the champion has moved, after it has counted."""
    office = Office(bundle=repeating_bundle())
    say(office, "ada", "reject")
    if is_judged:
        step(office, SPLIT)
    moved = BASE.model_copy(update={"version": "4"})
    asked = office.bundle.model_copy(update={"created_at": office.now})
    assert count_unattended(office.store, asked, [SPLIT]) is None
    second = open_request(office.store, asked, FILES, base=moved, policies=[SPLIT], now=office.now)
    first = load_decision(office.store, office.bundle.request_id)
    assert first is not None
    assert (first.state, first.responses, second.round) == (ReviewState.WITHDRAWN, (), 2)
    assert count_unattended(office.store, asked, [SPLIT]) is None


def test_what_people_objected_to_stays_theirs_when_they_approve_something_else() -> None:
    office = Office(bundle=repeating_bundle())
    say(office, "ada", "reject")
    step(office, SPLIT)
    office.now = NOW + 3 * DAY
    step(office, SPLIT)
    approve_other(office, NOW + 3 * DAY + MINUTE)
    assert count_unattended(office.store, office.bundle, [POLICY]) is None
    in_round_5 = office.bundle.model_copy(update={"round": 5, "base": None})
    assert count_unattended(office.store, in_round_5, [POLICY]) is None
    evidence, items = pack_evidence(repeating_evidence(similarity=0.92), {})
    new = office.bundle.model_copy(update={"evidence": evidence, "items": tuple(items)})
    assert count_unattended(office.store, new, [POLICY]) == 0


@pytest.mark.parametrize("verdict", ["reject", "request_changes"])
def test_after_an_objection_of_people_the_rule_does_not_act(verdict: str) -> None:
    """What they objected to may come again with other data; it is theirs to judge."""
    office = Office(bundle=repeating_bundle())
    say(office, "ada", verdict)
    assert len(step(office, POLICY).decisions) == 1
    assert count_unattended(office.store, OTHER, [POLICY]) is None
    # Whoever's rule it was: not trusting it approves nothing.
    assert count_unattended(office.store, OTHER, [PAIR]) is None


@pytest.mark.parametrize("by_rule", [True, False])
def test_a_promotion_that_was_taken_back_is_an_objection(by_rule: bool) -> None:
    office = Office(bundle=repeating_bundle())
    if by_rule:
        office.now = NOW + DAY
    else:
        office.upload("ada", "nonce-0001")
    (decision,) = step(office, POLICY).decisions
    assert decision.by_rule is by_rule
    request_id = office.bundle.request_id
    record_transition(office.store, request_id, ReviewState.PROMOTED, now=office.now)
    assert count_unattended(office.store, OTHER, [POLICY]) == int(by_rule)
    office.now += MINUTE
    record_transition(office.store, request_id, ReviewState.REVOKED, now=office.now)
    assert count_unattended(office.store, OTHER, [POLICY]) is None
    # What people approve afterwards is a new beginning.
    approve_other(office, office.now + MINUTE)
    new = repeating_bundle(similarity=0.92)
    assert count_unattended(office.store, new, [POLICY]) == 0


def test_an_older_promotion_that_was_taken_back_after_an_approval_counts_too() -> None:
    office = Office(bundle=repeating_bundle())
    office.upload("ada", "nonce-0001")
    step(office, POLICY)
    request_id = office.bundle.request_id
    record_transition(office.store, request_id, ReviewState.PROMOTED, now=office.now)
    approve_other(office, NOW + MINUTE)
    new = repeating_bundle(similarity=0.92)
    assert count_unattended(office.store, new, [POLICY]) == 0
    record_transition(office.store, request_id, ReviewState.REVOKED, now=NOW + 2 * MINUTE)
    assert count_unattended(office.store, new, [POLICY]) is None
