"""The watcher's loop: decides, tells, wakes, and outlives its store and its log."""

from datetime import UTC, datetime

import pytest

from feedback.errors import AuditError, StoreError
from feedback.policy import single_policy
from feedback.publishing import publish
from feedback.recording import load_decision
from flows import watch as watching
from flows.watch import keep_watch
from tasks.notifying import Notifier
from tests.feedback.memory import MemoryStore
from tests.review_request import FILES, make_answer, make_bundle


class Office:
    """A published request, an answer to it, and everybody who is told."""

    def __init__(self):
        self.store = MemoryStore()
        self.bundle = make_bundle(created_at=datetime(2026, 1, 1, tzinfo=UTC))
        publish(self.store, self.bundle, FILES)
        self.told, self.pauses, self.woken = [], [], []
        self.during = []
        self.notifier = Notifier({"room": lambda title, text: not self.told.append(title)})

    def answer(self, **changes):
        key = f"inbox/{self.bundle.request_id}/ada/nonce-0001.json"
        self.store.put(key, make_answer(self.bundle, **changes))

    def sleep(self, seconds):
        self.pauses.append(seconds)
        if self.during:
            self.during.pop(0)()

    def keep_watch(self, rounds):
        return keep_watch(
            self.store, single_policy(), every_seconds=5, notifier=self.notifier,
            rounds=rounds, sleep=self.sleep,
        )  # fmt: skip


@pytest.fixture
def office(monkeypatch):
    made = Office()
    monkeypatch.setattr(watching, "wake_runs", lambda store, decided: made.woken.append(decided))
    return made


def test_an_answer_is_decided_told_and_wakes_whoever_waits(office):
    request = office.bundle.request_id
    office.during = [office.answer]
    assert office.keep_watch(3) == 1
    assert office.told == [f"Review wanted: {request}", f"APPROVED: {request}"]
    # Woken again as long as the note stands: a lost wake-up costs one round.
    assert office.woken == [set(), {request}, {request}]
    assert office.pauses == [5, 5]


def test_a_store_that_is_away_is_asked_again_later_and_later(office, monkeypatch):
    real, away = office.store.list, [True]

    def listed(prefix=""):
        if away[0]:
            raise StoreError("away")
        return real(prefix)

    monkeypatch.setattr(office.store, "list", listed)
    office.during = [office.answer, lambda: None, lambda: away.__setitem__(0, False)]
    assert office.keep_watch(5) == 1
    assert office.pauses == [10, 20, 40, 5]
    away[0] = True
    with pytest.raises(StoreError):
        office.keep_watch(1)


def test_people_are_told_although_waking_failed(office, monkeypatch):
    def lost(store, decided):
        raise StoreError("away")

    monkeypatch.setattr(watching, "wake_runs", lost)
    with pytest.raises(StoreError):
        office.keep_watch(1)
    assert office.told == [f"Review wanted: {office.bundle.request_id}"]


def test_nothing_is_decided_while_the_log_is_broken_and_a_restored_one_is_read_anew(office):
    office.answer()
    assert office.keep_watch(1) == 1
    entry = next(i.key for i in office.store.list("audit/") if not i.key.endswith("start.json"))
    whole = office.store.get(entry)
    office.store.put(entry, whole.replace(b"APPROVED", b"REJECTED"))
    with pytest.raises(AuditError):
        office.keep_watch(1)
    office.during = [lambda: office.store.put(entry, whole)]
    assert office.keep_watch(2) == 0
    assert load_decision(office.store, office.bundle.request_id).is_approved
