"""What old requests cost the watcher, and that nothing it promises about them is lost."""

from datetime import timedelta

import pytest

from benchmarks.counting import CountingStore
from benchmarks.history import make_request
from feedback.audit import AuditLog
from feedback.exchange import list_requests, load_rejections, record_transition
from feedback.kept import Kept
from feedback.layout import file_key, manifest_key, upload_key
from feedback.policy import Policy, single_policy
from feedback.publishing import publish
from feedback.states import ReviewState
from feedback.watching import WatchReport, watch_once
from tests.feedback.people import PAIR, ROLES, Office

ALWAYS = 1 + len(ROLES) + 1
"""Objects read in every step: the end of the audit log, the people and the page."""


class Watcher:
    """A watcher that stays, over a store that counts."""

    def __init__(self, office: Office, policy: Policy | None = None) -> None:
        self.office, self.policy = office, policy or single_policy()
        self.store = CountingStore(office.store)
        self.log, self.kept = AuditLog(self.store), Kept(self.store)

    def step(self) -> WatchReport:
        self.store.calls.clear()
        return watch_once(self.store, self.policy, self.office.now, log=self.log, kept=self.kept)


def close(office: Office, reviewer: str = "ada") -> None:
    office.upload(reviewer, "nonce-0001", office.document(reviewer, "nonce-0001").to_json())


def publish_closed(office: Office, number: int) -> str:
    """Publish a request with pictures, and an answer that decides it."""
    bundle = publish(office.store, make_request(number, office.now), {})
    for picture in range(30):
        office.store.put(file_key(bundle.request_id, f"crops/{picture}.png"), b"")
    document = office.document("ada", "nonce-0001", request_id=bundle.request_id,
                               bundle_sha256=bundle.digest)  # fmt: skip
    key = upload_key(bundle.request_id, "ada", "nonce-0001")
    office.store.put(key, document.to_json())
    return bundle.request_id


@pytest.fixture
def watcher(office: Office) -> Watcher:
    return Watcher(office)


def test_a_step_costs_what_is_open_however_much_is_closed(office: Office, watcher: Watcher) -> None:
    watcher.step()
    watcher.step()
    alone = watcher.store.calls.copy()
    for number in range(40):
        publish_closed(office, number)
    assert len(watcher.step().decisions) == 40
    watcher.step()
    # 40 requests with 30 pictures each are more keys than one listing holds.
    assert len(office.store.list("reviews/")) > 1000
    assert watcher.store.calls == alone
    # Nothing of a request: the manifest of the open one is kept.
    assert alone["GET"] == ALWAYS


def test_the_command_line_lists_what_is_open_without_reading_the_rest(
    office: Office, watcher: Watcher
) -> None:
    for number in range(5):
        publish_closed(office, number)
    watcher.step()
    watcher.store.calls.clear()
    found = list_requests(watcher.store, ReviewState.OPEN)
    assert [one.request_id for one in found] == [office.bundle.request_id]
    assert watcher.store.calls["GET"] == 1
    assert len(list_requests(watcher.store)) == 6


def test_a_late_answer_to_a_request_closed_long_ago_is_refused_with_its_reason(
    office: Office, watcher: Watcher
) -> None:
    close(office)
    watcher.step()
    for _ in range(3):
        watcher.step()
    office.now += timedelta(days=30)
    late = office.upload("bob", "nonce-0009")
    report = watcher.step()
    (refusal,) = load_rejections(office.store, office.bundle.request_id)
    assert (refusal.key, refusal.kind) == (late, "ClosedRequestError")
    assert (len(report.rejections), report.entries) == (1, 1)
    again = watcher.step()
    assert (again.rejections, again.entries, watcher.store.calls["GET"]) == ([], 0, ALWAYS)


def test_what_replaces_an_accepted_answer_is_refused_by_a_watcher_that_stays(
    office: Office, watcher: Watcher
) -> None:
    key = office.upload("ada", "nonce-0001")

    def step() -> WatchReport:
        return watch_once(watcher.store, PAIR, office.now, log=watcher.log, kept=watcher.kept)

    step()
    step()
    office.upload("ada", "nonce-0001", office.signed("ada", "nonce-0001", verdict="reject"))
    step()
    (refusal,) = load_rejections(office.store, office.bundle.request_id)
    assert (refusal.key, refusal.kind) == (key, "ReplayError")


def test_a_promotion_and_its_revocation_are_entered_by_a_watcher_that_stays(
    office: Office, watcher: Watcher
) -> None:
    close(office)
    watcher.step()
    request = office.bundle.request_id
    for state in (ReviewState.PROMOTED, ReviewState.REVOKED):
        record_transition(office.store, request, state, reason="as measured", now=office.now)
        assert watcher.step().entries == 1
        assert watcher.step().entries == 0
    kinds = [entry.kind for entry in AuditLog(office.store).refresh()]
    assert kinds == ["decision", "promotion", "revocation"]


def test_a_request_is_seen_once_its_manifest_is_there(office: Office, watcher: Watcher) -> None:
    bundle = make_request(1, office.now)
    office.store.put(file_key(bundle.request_id, "crops/1.png"), b"")
    report = watcher.step()
    assert (set(report.waiting), report.problems) == ({office.bundle.request_id}, [])
    assert len(list_requests(office.store, ReviewState.OPEN)) == 1
    publish(office.store, bundle, {})
    assert set(watcher.step().waiting) == {office.bundle.request_id, bundle.request_id}


def test_an_answer_to_pictures_without_a_manifest_is_refused(
    office: Office, watcher: Watcher
) -> None:
    """Nothing is known that it could answer, whatever lies under the request's name."""
    office.store.delete(manifest_key(office.bundle.request_id))
    office.upload("ada", "nonce-0001")
    watcher.step()
    (refusal,) = load_rejections(office.store, office.bundle.request_id)
    assert refusal.kind == "BundleMismatchError"


def test_a_watcher_that_stays_reads_a_request_again_after_many_others(office: Office) -> None:
    store = CountingStore(office.store)
    kept = Kept(store, most=2)
    others = [publish(office.store, make_request(n, office.now), {}) for n in range(2)]
    names = [office.bundle.request_id, *(bundle.request_id for bundle in others)]
    for name in [*names, names[1], names[2]]:
        kept.bundle(name)
    assert store.calls["GET"] == 3
    assert kept.bundle(names[0]) == office.bundle
    assert store.calls["GET"] == 4


@pytest.mark.parametrize(("hours", "is_extended"), [(73, True), (95, True), (97, False)])
def test_a_watcher_that_stays_takes_answers_while_the_policy_extends_the_deadline(
    office: Office, hours: float, is_extended: bool
) -> None:
    policy = Policy.model_validate(
        {**PAIR.model_dump(mode="json"), "at_expiry": "escalate", "extension_hours": 24}
    )
    watcher = Watcher(office, policy)
    office.upload("ada", "nonce-0001")
    assert watcher.step().waiting
    office.now += timedelta(hours=hours)
    office.upload("bob", "nonce-0002")
    (decision,) = watcher.step().decisions
    assert decision.state is (ReviewState.APPROVED if is_extended else ReviewState.EXPIRED)
    assert len(load_rejections(office.store, office.bundle.request_id)) == (not is_extended)
