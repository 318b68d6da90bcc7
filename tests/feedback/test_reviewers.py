"""Two who change one reviewer at once: neither change is lost, and a revocation least of all."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from feedback.audit import AuditLog
from feedback.audit_check import verify
from feedback.canonical import canonical_json
from feedback.entering import enter_reviewer
from feedback.errors import ReviewerError
from feedback.reviewers import (
    ReviewerKey,
    ReviewerRecord,
    enrol,
    load_record,
    load_registry,
    revoke,
)
from feedback.signing import generate_key
from tests.feedback.memory import MemoryStore
from tests.review_request import NOW

KEY = generate_key()


class Interrupted(MemoryStore):
    """Lets somebody else write right before its first write that would take effect."""

    def __init__(self, inner: MemoryStore, other: Callable[[], object]) -> None:
        super().__init__(inner.now)
        self.objects, self._other = inner.objects, other

    def _interrupt(self) -> None:
        other, self._other = self._other, lambda: None
        other()

    def put(self, key: str, data: bytes) -> None:
        self._interrupt()
        super().put(key, data)

    def put_if_absent(self, key: str, data: bytes) -> bool:
        if key not in self.objects:
            self._interrupt()
        if key in self.objects:
            return False
        MemoryStore.put(self, key, data)
        return True


def ada(*roles: str, kind: str = "person", key: object = None) -> ReviewerRecord:
    keys = [] if key is None else [
        ReviewerKey(key_id=key.key_id, public_key=key.public_key, enrolled_at=NOW)  # type: ignore[attr-defined]
    ]  # fmt: skip
    return ReviewerRecord.model_validate(
        {"id": "ada", "kind": kind, "roles": roles, "keys": keys, "enrolled_by": "root",
         "enrolled_at": NOW}
    )  # fmt: skip


@pytest.fixture
def store() -> MemoryStore:
    made = MemoryStore(lambda: NOW)
    enrol(made, ada("domain", key=KEY))
    return made


def take_off(store: MemoryStore, key_id: str | None = None) -> ReviewerRecord:
    return revoke(store, "ada", now=NOW, why="left", key_id=key_id)


def test_who_is_revoked_while_being_enrolled_again_stays_revoked(store: MemoryStore) -> None:
    beside = Interrupted(store, lambda: take_off(store))
    with pytest.raises(ReviewerError, match="taken off"):
        enrol(beside, ada("ml"))
    assert load_registry(store)["ada"].revoked_at == NOW


def test_a_key_that_is_revoked_while_a_role_is_added_stays_revoked(store: MemoryStore) -> None:
    beside = Interrupted(store, lambda: take_off(store, KEY.key_id))
    assert enrol(beside, ada("ml")).roles == ("domain", "ml")
    record = load_registry(store)["ada"]
    assert (record.roles, record.good_key(KEY.key_id)) == (("domain", "ml"), None)


def test_who_is_given_a_key_while_being_revoked_is_revoked(store: MemoryStore) -> None:
    other = generate_key()
    beside = Interrupted(store, lambda: enrol(store, ada("ml", key=other)))
    take_off(beside)
    record = load_registry(store)["ada"]
    assert record.revoked_at == NOW
    # The other writer's change is there too, and of no use.
    assert record.roles == ("domain", "ml")
    assert [record.good_key(key.key_id) for key in (KEY, other)] == [None, None]


def test_two_who_enrol_one_name_at_once_are_joined() -> None:
    store = MemoryStore(lambda: NOW)
    beside = Interrupted(store, lambda: enrol(store, ada("domain")))
    enrol(beside, ada("ml"))
    assert load_registry(store)["ada"].roles == ("domain", "ml")


def test_nothing_is_written_where_nothing_changes(store: MemoryStore) -> None:
    enrol(store, ada("domain"))
    assert set(store.objects) == {"reviewers/ada.json"}
    take_off(store)
    take_off(store)
    assert set(store.objects) == {"reviewers/ada.json", "reviewers/ada/0002.json"}


def test_a_record_of_an_earlier_version_is_read_and_changed() -> None:
    """They hold no number, and were written anew in place, revocations included."""
    written = {
        "enrolled_at": "2026-11-21T09:30:00Z", "enrolled_by": "root", "id": "ada", "keys": [],
        "kind": "person", "revoked_at": None, "roles": ["domain"], "schema_version": 1, "why": "",
    }  # fmt: skip
    store = MemoryStore(lambda: NOW)
    store.put("reviewers/ada.json", canonical_json(written))
    store.put("reviewers/bob.json", canonical_json(
        {**written, "id": "bob", "revoked_at": "2026-11-21T09:30:00Z", "why": "left"}
    ))  # fmt: skip
    found = load_registry(store)
    assert (found["ada"].revoked_at, found["bob"].revoked_at) == (None, NOW)
    take_off(store)
    assert load_registry(store)["ada"].revoked_at == NOW
    assert store.get("reviewers/ada.json") == canonical_json(written)


def test_an_earlier_record_in_the_place_of_a_later_one_brings_nobody_back(
    store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    take_off(store)
    for data in (store.get("reviewers/ada.json"), b"{}"):
        store.put("reviewers/ada/0002.json", data)
        assert "ada" not in load_registry(store)
        with pytest.raises(ReviewerError, match="restore it"):
            enrol(store, ada("ml"))
    store.put("reviewers/ada/notes.txt", b"?")
    store.put("reviewers/ada/0001.json", store.get("reviewers/ada.json"))
    assert len(load_registry(store)) == 0
    assert "left out" in caplog.text


def test_names_that_start_alike_are_different_people(store: MemoryStore) -> None:
    enrol(store, ada("ml").model_copy(update={"id": "ada.b"}))
    take_off(store)
    found = load_registry(store)
    assert (found["ada"].sequence, found["ada.b"].sequence) == (2, 1)
    assert found["ada.b"].revoked_at is None


def test_the_log_tells_of_every_change_even_of_one_whose_writer_died(store: MemoryStore) -> None:
    log, later = AuditLog(store), NOW + timedelta(minutes=1)
    enter_reviewer(store, log, load_record(store, "ada", 1), NOW)
    take_off(store, KEY.key_id)
    assert verify(store).changed == ("reviewers/ada/0002.json is not in the log",)
    entries = enter_reviewer(store, AuditLog(store), enrol(store, ada("ml")), later)
    assert [(entry.kind, entry.subject) for entry in entries] == [
        ("revocation", "reviewers/ada/0002.json"),
        ("enrolment", "reviewers/ada/0003.json"),
    ]
    assert verify(store).is_intact
    assert enter_reviewer(store, log, load_registry(store)["ada"], later) == ()
