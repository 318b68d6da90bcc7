from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedback.audit import AuditLog, Event
from feedback.audit_check import verify
from feedback.canonical import sha256_hex
from feedback.errors import AuditError
from feedback.layout import AUDIT
from feedback.store import LocalStore
from tests.feedback.memory import MemoryStore
from tests.review_request import NOW

LAST_SECOND = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
MONTH = timedelta(days=31)


def event(store: MemoryStore | LocalStore, number: int) -> Event:
    key, data = f"promotions/m/{number:06d}.json", b"%d" % number
    store.put(key, data)
    return Event("decision", key, sha256_hex(data), "APPROVED")


def written(n: int = 5) -> MemoryStore:
    store = MemoryStore()
    log = AuditLog(store)
    for number in range(n):
        log.append(event(store, number), NOW + number * MONTH)
    return store


def keys(store: MemoryStore) -> list[str]:
    found = [info.key for info in store.list(AUDIT)]
    return sorted(found, key=lambda key: key.rpartition("/")[2] if "start" not in key else "")


def test_an_intact_log_holds_and_is_filed_by_month() -> None:
    store = written()
    check = verify(store)
    assert (check.entries, check.is_intact) == (5, True)
    assert keys(store) == [
        "audit/start.json",
        "audit/2026-11/00000001.json",
        "audit/2026-11/00000002.json",
        "audit/2026-12/00000003.json",
        "audit/2027-01/00000004.json",
        "audit/2027-02/00000005.json",
    ]


def test_an_empty_log_is_intact() -> None:
    assert verify(MemoryStore()).is_intact


def changed(store: MemoryStore) -> None:
    key = keys(store)[3]
    store.put(key, store.get(key).replace(b"APPROVED", b"REJECTED"))


def one_bit(store: MemoryStore) -> None:
    key = keys(store)[3]
    data = bytearray(store.get(key))
    data[-3] ^= 1
    store.put(key, bytes(data))


def missing(store: MemoryStore) -> None:
    store.delete(keys(store)[3])


def reordered(store: MemoryStore) -> None:
    third, fourth = keys(store)[3:5]
    data = store.get(third)
    store.put(third, store.get(fourth))
    store.put(fourth, data)


def without_start(store: MemoryStore) -> None:
    store.delete("audit/start.json")


def another_start(store: MemoryStore) -> None:
    store.put("audit/start.json", written(0 + 1).get("audit/start.json"))


def rewritten(store: MemoryStore) -> None:
    """An entry put in the place of another one, chained to the same one before."""
    other = written(2)
    other.objects |= {key: store.objects[key] for key in keys(store)[:3]}
    log = AuditLog(other)
    log.append(event(other, 77), NOW + 2 * MONTH)
    store.put(keys(store)[3], other.get(keys(other)[3]))


@pytest.mark.parametrize(
    ("damage", "link", "told"),
    [
        (changed, 3, "its digest does not fit"),
        (one_bit, 3, "changed"),
        (missing, 3, "missing"),
        (reordered, 3, "entry 4, moved here"),
        (without_start, 0, "missing"),
        (another_start, 1, "the entry before it is not the one"),
        (rewritten, 4, "the entry before it is not the one"),
    ],
)
def test_the_first_broken_link_is_named(
    damage: Callable[[MemoryStore], None], link: int, told: str
) -> None:
    store = written()
    names = keys(store)
    damage(store)
    check = verify(store)
    assert not check.is_intact
    assert repr(names[link]) in check.broken
    assert told in check.broken
    # Nothing is added to a broken log.
    with pytest.raises(AuditError):
        AuditLog(store).append(event(store, 99), NOW)


@pytest.mark.parametrize("link", [0, 2, 4])
@pytest.mark.parametrize("position", range(0, 560, 13))
def test_no_byte_of_the_log_can_be_changed(position: int, link: int) -> None:
    store = written(4)
    name = keys(store)[link]
    data = bytearray(store.get(name))
    data[position % len(data)] ^= 0x01
    store.put(name, bytes(data))
    assert not verify(store).is_intact


def test_a_log_that_was_cut_off_is_found_by_what_it_does_not_tell() -> None:
    store = written()
    head = verify(store).head
    store.delete(keys(store)[-1])
    check = verify(store)
    assert check.changed == ("promotions/m/000004.json is not in the log",)
    assert "entries are missing" in verify(store, head=head).broken


def test_a_head_that_was_noted_earlier_is_found_later() -> None:
    store = written(3)
    head = verify(store).head
    AuditLog(store).append(event(store, 9), NOW)
    assert verify(store, head=head).is_intact


def test_an_object_that_is_not_as_the_log_says_is_named() -> None:
    store = written()
    store.put("promotions/m/000001.json", b"another")
    (found,) = verify(store).changed
    assert "promotions/m/000001.json" in found


def test_an_event_is_entered_once_whoever_enters_it() -> None:
    store = MemoryStore()
    first, second = AuditLog(store), AuditLog(store)
    assert first.append(event(store, 1), NOW) is not None
    assert second.append(event(store, 1), NOW) is None
    assert first.append(event(store, 1), NOW) is None
    assert verify(store).entries == 1


def test_time_does_not_run_backwards_in_the_log() -> None:
    store = MemoryStore()
    log = AuditLog(store)
    log.append(event(store, 1), NOW)
    entry = log.append(event(store, 2), NOW - MONTH)
    assert entry is not None
    assert entry.recorded_at == NOW


def test_writers_on_both_sides_of_midnight_make_one_chain(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    events = [event(store, number) for number in range(12)]

    def write(number: int) -> None:
        log = AuditLog(store)
        # Every event is entered by two writers whose clocks disagree on the month.
        for index in range(len(events)):
            moment = LAST_SECOND + timedelta(seconds=number)
            log.append(events[(index * 5 + number) % len(events)], moment)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    check = verify(store)
    assert (check.entries, check.broken, check.changed) == (len(events), "", ())
