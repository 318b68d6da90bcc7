"""Reviews in a row that no person decided: counted, ended by people, and never a person's word."""

from dataclasses import replace
from datetime import timedelta

from feedback.answer import GateRequest
from feedback.bundle import derive_request_id
from feedback.closed import accepted_feedback
from feedback.exchange import record_transition
from feedback.follow_up import FollowUp
from feedback.following import follow_up
from feedback.publishing import publish
from feedback.recording import load_decisions
from feedback.states import ReviewState
from feedback.unattended import count_unattended
from tasks.earlier import approved_reviews
from tests.feedback.people import Office, step
from tests.feedback.ruled import DAY, POLICY, SINCE, office, repeating_bundle
from tests.review_request import FILES, NOW

__all__ = ["office"]
MINUTE = timedelta(minutes=1)


def test_reviews_in_a_row_are_counted_until_a_person_decides() -> None:
    office = Office(bundle=repeating_bundle())
    store = office.store
    asked = repeating_bundle(similarity=0.99)
    model = asked.model.model_copy(update={"name": "other"})
    other_model = asked.model_copy(update={"model": model})

    def count() -> int | None:
        return count_unattended(store, asked, [POLICY])

    # The open request may still be approved by rule.
    assert (count(), count_unattended(store, other_model, [POLICY])) == (1, 0)
    office.now = NOW + DAY
    step(office, POLICY)
    assert count() == 1
    second = repeating_bundle(similarity=0.97, created_at=office.now)
    publish(store, second, FILES)
    assert count() == 2
    other = replace(office, bundle=second)
    other.store = store
    other.now = office.now + MINUTE
    store.now = lambda: other.now
    other.upload("ada", "nonce-0002")
    (decision,) = step(other, POLICY).decisions
    assert (decision.state, decision.by_rule) == (ReviewState.APPROVED, False)
    assert count() == 0
    # By a rule that nobody here trusts a person's word ends nothing.
    assert count_unattended(store, asked, []) == 1


def test_a_follow_up_is_for_people() -> None:
    follows = FollowUp(
        number=1, request_id="concept_graph-old", decision_sha256="a" * 64,
        state=ReviewState.CHANGES_REQUESTED,
    )  # fmt: skip
    draft = repeating_bundle().model_copy(update={"follows": follows})
    bundle = draft.model_copy(update={"request_id": derive_request_id(draft)})
    office = Office(bundle=bundle)
    office.now = NOW + DAY
    assert step(office, POLICY).decisions == []
    assert GateRequest.of(bundle).is_follow_up


def test_the_follow_up_of_a_stale_approval_by_rule_says_that_no_person_gave_it(
    office: Office,
) -> None:
    office.now = NOW + DAY
    step(office, POLICY)
    request_id = office.bundle.request_id
    record_transition(office.store, request_id, ReviewState.STALE, reason="late", now=office.now)
    found = follow_up(office.bundle, load_decisions(office.store, request_id))
    assert found is not None
    assert (found.state, found.by_rule, found.said) == (ReviewState.STALE, True, ())
    assert len(found.proposed) == 1
    # Other follow-ups keep the bytes, and so the ids, that they had before.
    assert "by_rule" not in found.model_copy(update={"by_rule": False}).model_dump()


def test_an_approval_by_rule_is_nothing_that_people_said() -> None:
    """Else it would set off the next run, which would carry over the repetition, and so on."""
    office = Office(bundle=repeating_bundle())
    office.now = NOW + DAY
    assert step(office, POLICY).decisions[0].by_rule
    model = office.bundle.model.name
    assert accepted_feedback(office.store, model) == {}
    given = {"channel": "concept_graph", "model": model, "policies": [POLICY]}
    assert approved_reviews(office.store, **given) == []
    second = publish(office.store, repeating_bundle(similarity=0.97), FILES)
    people = replace(office, bundle=second)
    people.store = office.store
    people.upload("ada", "nonce-0002")
    (decision,) = step(people, POLICY).decisions
    assert not decision.by_rule
    assert accepted_feedback(office.store, model) == {second.request_id: decision.digest}
    (found,) = approved_reviews(office.store, **given)
    assert found.bundle == second


def test_the_rule_stops_when_the_row_is_full() -> None:
    office = Office(bundle=repeating_bundle(since=SINCE.model_copy(update={"unattended": 2})))
    office.now = NOW + DAY
    assert step(office, POLICY).decisions == []
