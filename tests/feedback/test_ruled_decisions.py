"""Approvals by rule through the store: made by the watcher, told of, derived again, not forged."""

from dataclasses import replace
from datetime import timedelta

import pytest

from feedback.audit import AuditLog
from feedback.audit_check import verify
from feedback.entering import enter_reviewer
from feedback.errors import DigestMismatchError
from feedback.exchange import list_requests, load_decision, record_transition
from feedback.inbox import check_upload
from feedback.layout import decision_key, manifest_key
from feedback.receipts import give_receipt
from feedback.reviewers import load_registry, revoke
from feedback.settling import Settlement
from feedback.states import ReviewState
from feedback.waiting import look_for_decision
from tests.feedback.people import Office, step
from tests.feedback.ruled import DAY, POLICY, SINCE, office, repeating_bundle
from tests.review_request import CUT, NOW, make_edit

__all__ = ["office"]
MINUTE = timedelta(minutes=1)


def test_the_watcher_approves_what_is_low_risk_once_its_window_is_over(office: Office) -> None:
    office.now = NOW + DAY - MINUTE
    assert step(office, POLICY).decisions == []
    office.now = NOW + DAY
    (decision,) = step(office, POLICY).decisions
    assert (decision.state, decision.by_rule) == (ReviewState.APPROVED, True)
    assert (decision.responses, decision.joined) == ((), ())
    (edit,) = decision.edits
    cut = {"op": "remove_edge", "src": 0, "dst": 1, "reason": "chance"}
    assert edit == {
        **make_edit(cut), "confidence": None, "comment": "carried over from concept_graph-old"
    }  # fmt: skip
    assert load_decision(office.store, office.bundle.request_id, policies=[POLICY]) == decision
    # Looked at again, by whomever: nothing more is decided.
    assert step(office, POLICY).decisions == []


def test_it_is_in_the_audit_log_as_what_it_is_and_in_the_list(office: Office) -> None:
    office.now = NOW + DAY
    step(office, POLICY)
    request_id = office.bundle.request_id
    promoted = record_transition(office.store, request_id, ReviewState.PROMOTED, now=office.now)
    step(office, POLICY)
    told = [e.summary for e in AuditLog(office.store).refresh() if "decisions/" in e.subject]
    assert told == [
        f"{state} by policy ruled, approved by its rule and by no person"
        for state in ("APPROVED", "PROMOTED")
    ]
    assert (promoted.by_rule, len(promoted.edits)) == (True, 1)
    assert [found.by_rule for found in list_requests(office.store)] == [True]


def test_a_run_that_waits_without_a_watcher_takes_it_too(office: Office) -> None:
    def look():  # type: ignore[no-untyped-def]
        request_id = office.bundle.request_id
        return look_for_decision(
            office.store, request_id, policy=POLICY, now=lambda: NOW + DAY + MINUTE
        )

    # By the store's clock the day is not over, however the run's own clock goes.
    office.now = NOW + DAY - MINUTE
    assert look() is None
    assert office.store.list("decisions/") == []
    office.now = NOW + DAY
    assert look().by_rule
    assert office.store.list("probe/") == []


@pytest.mark.parametrize("verdict", ["reject", "request_changes", "approve"])
def test_an_answer_that_lies_there_unread_comes_before_the_rule(
    office: Office, verdict: str
) -> None:
    """The watcher was away while somebody answered; a veto role has no place to fill."""
    office.now = NOW + DAY + MINUTE
    signed = office.signed("sam", "nonce-0001", verdict=verdict, comment="wait")
    office.upload("sam", "nonce-0001", signed)
    report = step(office, POLICY)
    expected = {"reject": "REJECTED", "request_changes": "CHANGES_REQUESTED", "approve": "OPEN"}
    found = [decision.state.value for decision in report.decisions] or ["OPEN"]
    assert found == [expected[verdict]]


def test_an_answer_whose_standing_receipt_does_not_count_is_an_answer(office: Office) -> None:
    """Another watcher gave it meanwhile, when the same bytes lay there too early to be signed."""
    office.now = NOW + DAY + MINUTE
    key = office.upload("sam", "nonce-0001")
    registry = load_registry(office.store)
    looked = Settlement(
        office.store, office.bundle, policy=POLICY, registry=registry, now=office.now
    )  # fmt: skip
    (info,) = office.store.list(key)
    data = office.store.get(key)
    checked = check_upload(office.bundle, data, key=key)
    early = replace(info, modified=NOW)
    give_receipt(office.store, office.bundle.request_id, early, checked, data)
    outcome, decision = looked.settle([info])
    assert (outcome.state, outcome.by_rule, decision) == (ReviewState.OPEN, False, None)


def test_whoever_answered_and_was_taken_off_has_still_answered(office: Office) -> None:
    office.upload("sam", "nonce-0001")
    step(office, POLICY)
    revoke(office.store, "sam", now=office.now, why="left")
    office.now = NOW + DAY
    report = step(office, POLICY)
    assert report.decisions == []
    assert office.bundle.request_id in report.waiting


@pytest.mark.parametrize(
    "changes",
    [{"n_lost": 1}, {"similarity": 0.89}, {"dst": 0}, {"since": None},
     {"since": SINCE.model_copy(update={"unattended": None})}],
)  # fmt: skip
def test_what_is_no_low_risk_waits_for_people(changes: dict[str, object]) -> None:
    """An edge from a slot to itself is no edit that a person could hand in either."""
    office = Office(bundle=repeating_bundle(**changes))
    office.now = NOW + 2 * DAY
    report = step(office, POLICY)
    assert (report.decisions, report.problems) == ([], [])
    office.now = NOW + 3 * DAY
    (decision,) = step(office, POLICY).decisions
    assert (decision.state, decision.by_rule) == (ReviewState.EXPIRED, False)


def forged(office: Office, **changes: object) -> None:
    """Put another decision in the place of the one that the rule made."""
    key = decision_key(office.bundle.request_id, 1)
    made = load_decision(office.store, office.bundle.request_id)
    assert made is not None
    office.store.put(key, made.model_copy(update=changes).to_json())


def assert_refused(office: Office) -> None:
    with pytest.raises(DigestMismatchError, match="a state that its responses do not give"):
        load_decision(office.store, office.bundle.request_id)


def test_a_ruled_decision_is_derived_again_by_whoever_reads_it(office: Office) -> None:
    office.now = NOW + DAY
    step(office, POLICY)
    good = office.store.get(decision_key(office.bundle.request_id, 1))
    for changes in (
        {"by_rule": False},
        {"agreed": ()},
        {"agreed": (make_edit(CUT, class_name="tank"),)},
        {"joined": ("ada",)},
        {"decided_at": NOW + DAY - MINUTE},
        {"decided_at": NOW + 3 * DAY},
        {"policy_sha256": None},
    ):
        forged(office, **changes)
        assert_refused(office)
        office.store.put(decision_key(office.bundle.request_id, 1), good)
    assert load_decision(office.store, office.bundle.request_id) is not None


def test_who_can_write_decisions_makes_none_before_its_time_nor_against_an_answer(
    office: Office,
) -> None:
    office.now = NOW + DAY
    (made,) = step(Office(bundle=office.bundle, now=NOW + DAY), POLICY).decisions
    twin = Office(bundle=office.bundle)
    twin.enrol("sam", ("safety",))
    key = decision_key(office.bundle.request_id, 1)
    step(twin, POLICY)
    twin.store.put(f"policies/{POLICY.digest}.json", POLICY.to_json())
    # The bytes are right, but the store says that the day is not over.
    twin.now = NOW + DAY / 2
    twin.store.put(key, made.to_json())
    assert_refused(twin)
    twin.store.delete(key)
    # Somebody objected, without a place to fill, and the forger leaves it out.
    answer = twin.signed("sam", "nonce-0001", verdict="approve")
    twin.upload("sam", "nonce-0001", answer)
    step(twin, POLICY)
    twin.now = NOW + DAY
    twin.store.put(key, made.to_json())
    assert_refused(twin)


def test_the_audit_check_derives_decisions_again(office: Office) -> None:
    office.now = NOW + DAY
    step(office, POLICY)
    log = AuditLog(office.store)
    for record in load_registry(office.store).values():
        log.refresh()
        enter_reviewer(office.store, log, record, office.now)
    assert verify(office.store).is_intact
    # The log and its decision agree, but what was decided about has been changed.
    shown = office.store.get(manifest_key(office.bundle.request_id))
    office.store.put(manifest_key(office.bundle.request_id), shown.replace(b"chance", b"chanse"))
    (told,) = verify(office.store).changed
    assert "cannot be derived again" in told
    office.store.put(manifest_key(office.bundle.request_id), shown)
    office.store.delete(f"policies/{POLICY.digest}.json")
    (told,) = verify(office.store).changed
    assert office.bundle.request_id in told
