"""How far reviewers agree, counted by hand over requests that were really decided."""

from dataclasses import replace
from datetime import timedelta
from statistics import median

import pytest

from feedback.agreement import Ratio, measure_agreement
from feedback.bundle import ReviewBundle
from feedback.channels.saliency_grid import edit_of
from feedback.closed import closed_reviews
from feedback.publishing import publish
from tests.feedback.channels.saliency_grid.images import DIGESTS, make_marks
from tests.feedback.channels.saliency_grid.pair import decide_pair
from tests.feedback.people import Office, step
from tests.feedback.ruled import DAY, POLICY, repeating_bundle
from tests.review_request import CUT, FILES, NOW, make_bundle, make_edit

OTHER_CUT = {**CUT, "dst": 2}
HOUR = timedelta(hours=1)


def next_request(office: Office, bundle: ReviewBundle) -> Office:
    """Return the same people and store, with another request before them."""
    twin = replace(office, bundle=bundle, now=bundle.created_at)
    twin.store = office.store
    twin.store.now = lambda: twin.now
    publish(twin.store, bundle, FILES)
    return twin


def says(office: Office, name: str, hours: float, *edits: object, **changes: object) -> None:
    office.now = office.bundle.created_at + hours * HOUR
    changes = {"responses": list(edits), **changes}
    office.upload(name, "nonce-0001", office.signed(name, "nonce-0001", **changes))


def decided(office: Office) -> str:
    (decision,) = step(office).decisions
    return decision.state.value


@pytest.fixture
def office(office: Office) -> Office:
    """Three requests: agreed on, contested in one class, and rejected by one of two."""
    tank = make_edit(CUT, class_name="tank")
    says(office, "ada", 1, make_edit(CUT), tank, seconds_spent=30)
    says(office, "bob", 2, make_edit({**CUT, "reason": "chance"}))
    assert decided(office) == "APPROVED"
    second = next_request(office, make_bundle(author="eve", round=2))
    says(second, "ada", 3, make_edit(CUT), seconds_spent=90)
    says(second, "bob", 4, make_edit(OTHER_CUT))
    assert decided(second) == "PARTIAL"
    third = next_request(office, make_bundle(author="eve", round=3))
    says(third, "ada", 10, make_edit(CUT))
    says(third, "bob", 12, verdict="reject", comment="no")
    assert decided(third) == "REJECTED"
    return third


def test_what_reviewers_answers_came_to_is_counted(office: Office) -> None:
    ada, bob = measure_agreement(closed_reviews(office.store)).reviewers
    assert (ada.reviewer, ada.answered, ada.hours_to_answer) == ("ada", 3, median([1, 3, 10]))
    assert (ada.seconds_spent, bob.seconds_spent) == (60, None)
    assert (ada.as_decided, bob.as_decided) == (Ratio(2, 3), Ratio(3, 3))
    # Of carrier and tank, carrier, carrier: the contested one and the rejected one did not go on.
    assert (ada.overridden, bob.overridden) == (Ratio(2, 4), Ratio(1, 2))
    assert (ada.joined, bob.joined) == (0, 0)
    assert ada.as_decided.is_few
    assert ada.as_decided.share == pytest.approx(2 / 3)


def test_pairs_are_compared_on_what_both_could_edit(office: Office) -> None:
    """The rejected request is none of them: who rejects edits nothing.

    By class, first request: cut and cut, nothing twice, cut and nothing; second: two cuts that
    differ, nothing twice, nothing twice. So 4 of 6 the same, and by chance (1 * 1 + 3 * 4) / 36;
    a cut of the carrier is the same category in both requests, where ada made it twice.
    """
    (pair,) = measure_agreement(closed_reviews(office.store)).pairs
    assert (pair.first, pair.second) == ("ada", "bob")
    assert (pair.requests, pair.either_edited) == (2, 3)
    assert pair.kappa is not None
    assert (pair.kappa.n, pair.kappa.same, pair.kappa.is_few) == (6, 4, True)
    by_chance = (2 * 1 + 3 * 4) / 36
    assert pair.kappa.value == pytest.approx((4 / 6 - by_chance) / (1 - by_chance))


def test_the_order_of_reviews_is_no_matter(office: Office) -> None:
    reviews = closed_reviews(office.store)
    assert measure_agreement(reviews) == measure_agreement([*reversed(reviews)])


def test_who_answers_alone_is_not_said_to_agree_and_rules_are_nobody() -> None:
    office = Office(bundle=repeating_bundle())
    office.now = NOW + DAY
    (ruled,) = step(office, POLICY).decisions
    assert ruled.by_rule
    alone = next_request(office, make_bundle(author="eve", round=2))
    says(alone, "ada", 1)
    (decision,) = step(alone, POLICY).decisions
    assert not decision.by_rule
    found = measure_agreement(closed_reviews(office.store))
    (ada,) = found.reviewers
    assert (ada.answered, ada.as_decided, ada.overridden) == (1, Ratio(0, 0), Ratio(0, 0))
    assert (ada.as_decided.share, ada.as_decided.interval) == (None, None)
    assert found.pairs == ()


def test_expired_requests_have_no_verdict_to_follow(office: Office) -> None:
    before = measure_agreement(closed_reviews(office.store))
    late = next_request(office, make_bundle(author="eve", round=4))
    says(late, "ada", 1)
    assert step(late).decisions == []
    late.now += 80 * HOUR
    assert decided(late) == "EXPIRED"
    ada, after = before.reviewers[0], measure_agreement(closed_reviews(office.store)).reviewers[0]
    assert (after.answered, after.as_decided) == (ada.answered + 1, ada.as_decided)


def test_marks_that_the_channel_joined_are_not_overridden_and_abstentions_not_compared() -> None:
    """Ada marks ship and jet, bob the ship otherwise; he skips the tank, which is no edit."""
    office, _ = decide_pair()
    found = measure_agreement(closed_reviews(office.store))
    ada, bob = found.reviewers
    assert (ada.overridden, bob.overridden) == (Ratio(0, 2), Ratio(0, 1))
    assert (ada.joined, bob.joined) == (1, 1)
    (pair,) = found.pairs
    assert pair.kappa is not None
    # Of three images the skipped one is left out, and on the two others they differ.
    assert (pair.either_edited, pair.kappa.n, pair.kappa.same) == (2, len(DIGESTS) - 1, 0)


def test_an_item_that_one_abstains_on_is_left_out() -> None:
    skipped = edit_of(make_marks(flags=["skip"]))
    assert (skipped.abstains_on, skipped.item) == (skipped.target.split()[0],) * 2
    marked = edit_of(make_marks((0, 6)))
    assert (marked.abstains_on, marked.item) == (None, skipped.item)
