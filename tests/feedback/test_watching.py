"""The watcher's steps: what it decides, refuses, reminds of and enters in the log."""

from datetime import timedelta

import pytest

from feedback.audit import AuditLog
from feedback.errors import AuditError
from feedback.exchange import load_decision, load_rejections, record_transition
from feedback.layout import DECISIONS
from feedback.policy import single_policy
from feedback.reviewers import revoke
from feedback.states import ReviewState
from tests.feedback.people import PAIR, Office, step
from tests.review_request import CUT, make_bundle, make_edit


def test_a_quorum_over_several_steps_becomes_one_decision_that_proves_itself(
    office: Office,
) -> None:
    office.upload("ada", "nonce-0001", office.signed("ada", "nonce-0001", page=True))
    first = step(office)
    assert first.decisions == []
    assert first.waiting[office.bundle.request_id].missing == (("ml", 1),)
    office.now += timedelta(hours=1)
    data = office.signed("bob", "nonce-0001", responses=[make_edit(CUT)])
    office.upload("bob", "nonce-0001", data)
    (decision,) = step(office).decisions
    assert decision.state is ReviewState.APPROVED
    assert [edited["class_name"] for edited in decision.edits] == ["carrier"]
    assert load_decision(office.store, office.bundle.request_id) == decision
    assert decision.policy_sha256 == PAIR.digest
    assert [r.signature is not None for r in decision.responses] == [True, True]
    again = step(office)
    assert (again.decisions, again.entries) == ([], 0)
    assert again.decided == {office.bundle.request_id}


def test_edits_of_two_approvers_that_exclude_each_other_are_partial(office: Office) -> None:
    other = {**CUT, "src": 1, "dst": 2}
    both = [make_edit(CUT), make_edit({**CUT, "reason": "why"}, class_name="tank")]
    office.upload("ada", "nonce-0001", office.signed("ada", "nonce-0001", responses=both))
    mine = [make_edit(other), make_edit({**CUT, "reason": "because"}, class_name="tank")]
    office.upload("bob", "nonce-0001", office.signed("bob", "nonce-0001", responses=mine))
    (decision,) = step(office).decisions
    assert (decision.state, decision.conflicts) == (ReviewState.PARTIAL, ("carrier",))
    assert [edited["class_name"] for edited in decision.agreed] == ["tank"]
    assert (decision.is_approved, decision.edits) == (False, ())


def test_what_comes_after_the_closing_answer_is_refused_and_said_so(office: Office) -> None:
    office.upload("ada", "nonce-0001", office.signed("ada", "nonce-0001", verdict="reject"))
    office.now += timedelta(minutes=1)
    late = office.upload("bob", "nonce-0001")
    step(office)
    office.now += timedelta(minutes=1)
    later = office.upload("eve", "nonce-0001")
    step(office)
    found = {r.key: r.kind for r in load_rejections(office.store, office.bundle.request_id)}
    assert found == {late: "ClosedRequestError", later: "ClosedRequestError"}


def test_how_often_somebody_looks_does_not_matter() -> None:
    def run(looks_between: bool) -> object:
        office = Office()
        for reviewer, verdict in (("ada", "approve"), ("bob", "request_changes"),
                                  ("eve", "reject")):  # fmt: skip
            data = office.signed(reviewer, "nonce-0001", verdict=verdict)
            office.upload(reviewer, "nonce-0001", data)
            if looks_between:
                step(office)
            office.now += timedelta(minutes=1)
        step(office)
        decision = load_decision(office.store, office.bundle.request_id)
        assert decision is not None
        return decision.state, [r.document.reviewer for r in decision.responses]

    assert run(True) == run(False) == (ReviewState.CHANGES_REQUESTED, ["ada", "bob"])


def test_what_is_put_in_the_place_of_an_accepted_answer_is_refused_and_the_first_stays(
    office: Office,
) -> None:
    key = office.upload("ada", "nonce-0001")
    step(office)
    office.upload("ada", "nonce-0001", office.signed("ada", "nonce-0001", verdict="reject"))
    step(office)
    (rejection,) = load_rejections(office.store, office.bundle.request_id)
    assert (rejection.key, rejection.kind) == (key, "ReplayError")
    office.upload("bob", "nonce-0001")
    (decision,) = step(office).decisions
    assert decision.state is ReviewState.APPROVED
    assert [r.document.verdict for r in decision.responses] == ["approve", "approve"]


def test_the_same_bytes_put_again_later_are_no_other_answer(office: Office) -> None:
    data = office.signed("ada", "nonce-0001")
    office.upload("ada", "nonce-0001", data)
    step(office)
    office.now += timedelta(days=2)
    office.upload("ada", "nonce-0001", data)
    report = step(office)
    assert report.rejections == []
    assert report.waiting[office.bundle.request_id].missing == (("ml", 1),)


def test_who_is_taken_off_before_the_decision_does_not_count(office: Office) -> None:
    key = office.upload("ada", "nonce-0001")
    step(office)
    revoke(office.store, "ada", now=office.now, why="left")
    office.upload("bob", "nonce-0001")
    report = step(office)
    assert report.decisions == []
    assert report.waiting[office.bundle.request_id].missing == (("domain", 1),)
    assert load_rejections(office.store, office.bundle.request_id)[0].key == key


def test_nobody_answering_expires_and_is_reminded_before(office: Office) -> None:
    occasions = []
    for _ in range(75):
        occasions += [(notice.id, notice.to) for notice in step(office).notices]
        office.now += timedelta(hours=1)
    assert occasions == [
        ("opened", ("domain", "ml")),
        ("reminder-1", ("domain", "ml")),
        ("escalation-1", ("lead",)),
    ]
    decision = load_decision(office.store, office.bundle.request_id)
    assert decision is not None
    assert (decision.state, decision.is_approved) == (ReviewState.EXPIRED, False)


def test_a_reminder_is_given_once_by_one_of_two_watchers(office: Office) -> None:
    office.now += timedelta(hours=49)
    notices = [notice.id for _ in range(2) for notice in step(office).notices]
    assert notices == ["opened", "reminder-1"]


def test_an_answer_that_came_in_time_counts_although_nobody_looked(office: Office) -> None:
    office.upload("ada", "nonce-0001")
    office.upload("bob", "nonce-0001")
    office.now += timedelta(days=30)
    late = office.upload("eve", "nonce-0001")
    (decision,) = step(office).decisions
    assert decision.state is ReviewState.APPROVED
    assert [r.key for r in load_rejections(office.store, office.bundle.request_id)] == [late]


def test_unsigned_answers_count_under_single_alone(office: Office) -> None:
    bare = office.document("zoe", "nonce-0001").to_json()
    office.upload("zoe", "nonce-0001", bare)
    twin = office.store.copy()
    assert step(office).decisions == []
    assert load_rejections(office.store, office.bundle.request_id)[0].kind == "IdentityError"
    (decision,) = step(office, single_policy(), twin).decisions
    assert decision.state is ReviewState.APPROVED


def test_one_damaged_request_does_not_keep_the_others_waiting(office: Office) -> None:
    other = make_bundle(author="eve", round=2)
    office.store.put(f"reviews/{other.request_id}/manifest.json", b"{}")
    office.upload("ada", "nonce-0001")
    office.upload("bob", "nonce-0001")
    report = step(office)
    assert len(report.decisions) == 1
    assert [request for request, _ in report.problems] == [other.request_id]


def test_nothing_is_decided_while_the_audit_log_is_broken(office: Office) -> None:
    office.upload("ada", "nonce-0001", b"{}")
    step(office)
    office.store.delete("audit/2026-11/00000001.json")
    office.store.put("audit/2026-11/00000002.json", b"{}")
    office.upload("ada", "nonce-0002")
    office.upload("bob", "nonce-0002")
    with pytest.raises(AuditError, match="missing"):
        step(office)
    assert office.store.list(DECISIONS) == []


def test_promotion_and_revocation_follow_approval_and_are_entered(office: Office) -> None:
    office.upload("ada", "nonce-0001")
    office.upload("bob", "nonce-0001")
    step(office)
    request = office.bundle.request_id
    for state in (ReviewState.PROMOTED, ReviewState.REVOKED):
        record_transition(office.store, request, state, reason="as measured", now=office.now)
        record_transition(office.store, request, state, now=office.now)
        assert step(office).entries == 1
    kinds = [entry.kind for entry in AuditLog(office.store).refresh()]
    assert kinds == ["decision", "promotion", "revocation"]
    decision = load_decision(office.store, request)
    assert decision is not None
    assert (decision.sequence, decision.is_approved) == (3, False)
