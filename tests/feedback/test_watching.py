from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedback.answer import Seat
from feedback.audit import AuditLog
from feedback.audit_check import verify
from feedback.errors import AuditError, DigestMismatchError
from feedback.exchange import load_decision, load_rejections, record_transition
from feedback.layout import (
    ACCEPTED,
    DECISIONS,
    REJECTIONS,
    decision_key,
    receipt_key,
    rejection_key,
    upload_key,
)
from feedback.policy import single_policy
from feedback.reviewers import revoke
from feedback.states import ReviewState
from feedback.store import LocalStore
from feedback.watching import WatchReport, watch_once
from tests.feedback.memory import Killed, MemoryStore, MortalStore
from tests.feedback.people import PAIR, Office
from tests.review_request import BASES, NOW, make_bundle


@pytest.fixture
def office() -> Office:
    return Office()


def step(office: Office, policy=PAIR, store: MemoryStore | None = None) -> WatchReport:  # type: ignore[no-untyped-def]
    return watch_once(store or office.store, policy, office.now)


def edit(*ops: dict[str, object], name: str = "carrier") -> dict[str, object]:
    return {
        "type": "graph_edit", "version": 1, "class_name": name, "base_cscg": BASES[name],
        "ops": list(ops),
    }  # fmt: skip


CUT = {"op": "remove_edge", "src": 0, "dst": 1}


def test_a_quorum_over_several_steps_becomes_one_decision_that_proves_itself(
    office: Office,
) -> None:
    office.upload("ada", "nonce-0001", office.signed("ada", "nonce-0001", page=True))
    first = step(office)
    assert first.decisions == []
    assert first.waiting[office.bundle.request_id].missing == (("ml", 1),)
    office.now += timedelta(hours=1)
    data = office.signed("bob", "nonce-0001", responses=[edit(CUT)])
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
    other = {"op": "remove_edge", "src": 1, "dst": 2}
    both = [edit(CUT), edit({**CUT, "reason": "why"}, name="tank")]
    office.upload("ada", "nonce-0001", office.signed("ada", "nonce-0001", responses=both))
    mine = [edit(other), edit({**CUT, "reason": "because"}, name="tank")]
    office.upload("bob", "nonce-0001", office.signed("bob", "nonce-0001", responses=mine))
    (decision,) = step(office).decisions
    assert (decision.state, decision.conflicts) == (ReviewState.PARTIAL, ("carrier",))
    assert [edited["class_name"] for edited in decision.agreed] == ["tank"]
    assert (decision.is_approved, decision.edits) == (False, ())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"state":"CHANGES_REQUESTED"', b'"state":"APPROVED"'),
        (b'"state":"CHANGES_REQUESTED"', b'"state":"PARTIAL"'),
        (b'"verdict":"request_changes"', b'"verdict":"approve"'),
        (b'"policy":"pair"', b'"policy":"single"'),
    ],
)
def test_a_decision_that_its_policy_does_not_give_is_refused_and_not_entered(
    office: Office, old: bytes, new: bytes
) -> None:
    office.upload(
        "ada", "nonce-0001", office.signed("ada", "nonce-0001", verdict="request_changes")
    )
    step(office)
    key = decision_key(office.bundle.request_id, 1)
    data = office.store.get(key)
    assert old in data
    forged = MemoryStore(office.store.now)
    forged.objects = {
        name: value for name, value in office.store.objects.items() if "audit" not in name
    }
    forged.put(key, data.replace(old, new))
    report = step(office, store=forged)
    ((request_id, told),) = report.problems
    assert request_id == office.bundle.request_id
    assert "as it was written" in told
    assert report.entries == 0


def test_an_approval_by_roles_that_are_no_quorum_is_refused(office: Office) -> None:
    office.upload("ada", "nonce-0001")
    office.upload("bob", "nonce-0001")
    step(office)
    key = decision_key(office.bundle.request_id, 1)
    office.store.put(key, office.store.get(key).replace(b'"role":"ml"', b'"role":"domain"'))
    with pytest.raises(DigestMismatchError, match="a state that its responses do not give"):
        load_decision(office.store, office.bundle.request_id)


def test_who_can_write_decisions_cannot_make_one_up(office: Office) -> None:
    """Everything fits but the signatures: another document, and another reviewer's key."""
    office.upload("ada", "nonce-0001")
    office.upload("bob", "nonce-0001")
    (made,) = step(office).decisions
    ada, bob = made.responses
    assert ada.signature is not None
    mallory = office.document("eve", "nonce-0009")
    changed = ada.document.model_copy(update={"comment": "x"})
    forgeries = [
        (ada.model_copy(update={"document": changed}), bob),
        (ada, bob.model_copy(update={"signature": ada.signature})),
        (ada, bob.model_copy(update={"signature": None})),
        (ada.model_copy(update={"document": mallory}), bob),
        (ada.model_copy(update={"seats": (Seat(role="ml"),)}),
         bob.model_copy(update={"seats": (Seat(role="domain"),)})),
    ]  # fmt: skip
    key = decision_key(office.bundle.request_id, 1)
    for responses in forgeries:
        office.store.put(key, made.model_copy(update={"responses": responses}).to_json())
        with pytest.raises(DigestMismatchError, match="a state that its responses do not give"):
            load_decision(office.store, office.bundle.request_id)
    office.store.put(key, made.to_json())
    # What was decided stands when its people leave afterwards.
    for name in ("ada", "bob"):
        revoke(office.store, name, now=office.now, why="left")
    assert load_decision(office.store, office.bundle.request_id) == made


def test_a_decision_by_a_rule_that_the_reader_does_not_trust_is_refused(office: Office) -> None:
    office.upload("zoe", "nonce-0001", office.document("zoe", "nonce-0001").to_json())
    (made,) = step(office, single_policy()).decisions
    request = office.bundle.request_id
    assert load_decision(office.store, request) == made
    assert load_decision(office.store, request, policies=[PAIR, single_policy()]) == made
    with pytest.raises(DigestMismatchError, match="by one of the policies pair"):
        load_decision(office.store, request, policies=[PAIR])


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


def traces(store: MemoryStore) -> dict[str, object]:
    """Everything that must be the same however often the watcher died."""
    log = AuditLog(store)
    entered = [(e.kind, e.subject, e.subject_sha256) for e in log.refresh()]
    kept = (DECISIONS, REJECTIONS, ACCEPTED, "policies/")
    return {
        "entered": sorted(entered),
        "objects": {k: v[0] for k, v in store.objects.items() if k.startswith(kept)},
    }


def busy(now: datetime = NOW) -> Office:
    office = Office(now=now)
    office.upload("ada", "nonce-0001", b"not JSON")
    office.upload("ada", "nonce-0002")
    office.now += timedelta(minutes=1)
    office.upload("bob", "nonce-0001", office.signed("bob", "nonce-0001", responses=[edit(CUT)]))
    office.now += timedelta(minutes=1)
    office.upload("eve", "nonce-0001")
    office.store.put("inbox/unknown/ada/nonce-0001.json", b"{}")
    return office


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_watcher_killed_at_any_call_leaves_nothing_double_and_nothing_lost(after: bool) -> None:
    office = busy()
    start = office.store.copy()
    step(office)
    expected = traces(office.store)
    assert len(expected["entered"]) == 4  # type: ignore[arg-type]
    calls = MortalStore(start.copy(), dies_at=0, after=False)
    step(office, store=calls)
    assert calls.calls > 40
    for number in range(1, calls.calls + 1):
        inner = start.copy()
        with pytest.raises(Killed):
            step(office, store=MortalStore(inner, dies_at=number, after=after))
        # Another kill during the repair, at the same place counted anew.
        try:
            step(office, store=MortalStore(inner, dies_at=number, after=not after))
        except Killed:
            step(office, store=inner)
        found = traces(inner)
        assert found == expected, f"died at call {number}"
        assert verify(inner).broken == ""
        assert step(office, store=inner).entries == 0


def test_two_watchers_at_once_make_one_decision_and_one_chain() -> None:
    """One watcher steps in at every call of the other one."""
    office = busy()
    start = office.store.copy()
    step(office)
    expected = traces(office.store)

    class Interrupted(MortalStore):
        def _counted(self, call):  # type: ignore[no-untyped-def]
            self.calls += 1
            if self.calls == self._dies_at:
                other = MemoryStore(self.now)
                other.objects = self.objects
                step(office, store=other)
            return call()

    for number in range(1, 60):
        inner = start.copy()
        step(office, store=Interrupted(inner, dies_at=number, after=False))
        assert traces(inner) == expected, f"at call {number}"


def test_watchers_in_threads_over_one_folder_make_one_decision(tmp_path: Path) -> None:
    # Files are dated by this machine's clock, which the signatures must fit.
    office = busy(datetime.now(UTC))
    folder = LocalStore(tmp_path)
    for key, (data, *_) in office.store.objects.items():
        folder.put(key, data)
    policy = PAIR.model_copy(update={"deadline_hours": None})
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: watch_once(folder, policy, office.now), range(4)))
    assert all(report.problems == [] for report in reports)
    assert len({d.digest for report in reports for d in report.decisions}) == 1
    assert len(folder.list(DECISIONS)) == 1
    check = verify(folder)
    assert check.broken == ""
    subjects = [entry.subject for entry in AuditLog(folder).refresh()]
    assert len(subjects) == len(set(subjects)) == len(folder.list(REJECTIONS)) + 1


def test_every_upload_ends_with_a_receipt_or_a_rejection() -> None:
    office = busy()
    step(office)
    request = office.bundle.request_id
    for reviewer, nonce in (("ada", "nonce-0001"), ("ada", "nonce-0002"), ("bob", "nonce-0001"),
                            ("eve", "nonce-0001")):  # fmt: skip
        key = upload_key(request, reviewer, nonce)
        traces_of = (receipt_key(request, key), rejection_key(request, key))
        assert sum(office.store.exists(name) for name in traces_of) == 1
    assert office.store.exists("rejections/unknown/ada/nonce-0001.json")
