"""A store that is away: sat out, told once, given up in the end; and no winner forgotten."""

import logging
from collections.abc import Callable

import pytest

from feedback.errors import ObjectNotFoundError, StoreAwayError, StoreError
from feedback.patient import PatientStore
from tests.feedback.memory import MemoryStore


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds


class AwayStore(MemoryStore):
    """Away until a moment; a call takes ``hangs`` seconds to find out."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock, self.until, self.hangs, self.tries = clock, 0.0, 0.0, 0

    def leave(self, seconds: float, *, hangs: float = 0.0) -> None:
        self.until, self.hangs, self.tries = self.clock.now + seconds, hangs, 0

    def _ask(self) -> None:
        self.tries += 1
        if self.clock.now < self.until:
            self.clock.now += self.hangs
            raise StoreAwayError("expected an answer (got none); check that the service answers")

    def put(self, key, data):
        self._ask()
        super().put(key, data)

    def put_if_absent(self, key, data):
        self._ask()
        if key in self.objects:
            return False
        MemoryStore.put(self, key, data)
        return True

    def get(self, key, *, max_bytes=None):
        self._ask()
        return super().get(key, max_bytes=max_bytes)

    def exists(self, key):
        self._ask()
        return super().exists(key)

    def delete(self, key):
        self._ask()
        super().delete(key)

    def list(self, prefix=""):
        self._ask()
        return super().list(prefix)

    def folders(self, prefix):
        self._ask()
        return super().folders(prefix)


class Losing(MemoryStore):
    """Takes what is written, and loses its answer; ``meanwhile`` happens before the next call."""

    def __init__(self, *, takes: bool, meanwhile: Callable[[MemoryStore], None]) -> None:
        super().__init__()
        self.takes, self.meanwhile, self.is_lost = takes, meanwhile, False

    def put_if_absent(self, key, data):
        if self.is_lost:
            return super().put_if_absent(key, data)
        self.is_lost = True
        if self.takes:
            super().put_if_absent(key, data)
        self.meanwhile(self)
        raise StoreAwayError("expected an answer (got ReadTimeoutError); try again")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def away(clock):
    return AwayStore(clock)


@pytest.fixture
def store(away, clock):
    return PatientStore(away, patience=120, clock=clock, sleep=clock.sleep)


CALLS: dict[str, Callable[[PatientStore], object]] = {
    "put": lambda store: store.put("new", b"1"),
    "put_if_absent": lambda store: store.put_if_absent("new", b"1"),
    "get": lambda store: store.get("k"),
    "exists": lambda store: store.exists("k"),
    "delete": lambda store: store.delete("k"),
    "list": lambda store: [info.key for info in store.list()],
    "folders": lambda store: store.folders(""),
}
ANSWERS = {"get": b"0", "exists": True, "list": ["k"], "folders": [], "put_if_absent": True}


@pytest.mark.parametrize("hangs", [0.0, 60.0])
@pytest.mark.parametrize("name", CALLS)
def test_every_call_sits_out_an_outage_of_ninety_seconds(store, away, clock, name, hangs, caplog):
    caplog.set_level(logging.INFO, "feedback")
    store.put("k", b"0")
    away.leave(90, hangs=hangs)
    assert CALLS[name](store) == ANSWERS.get(name)
    # It is found within the longest pause, and without storming the service.
    assert clock.now - away.until <= max(5.0, hangs)
    assert away.tries < 60
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2, told
    assert "is away; it is asked again for up to 120 s" in told[0]
    assert "is back after" in told[1]


def test_threads_and_calls_of_one_outage_tell_it_once(store, away, clock, caplog):
    away.leave(400)
    for _ in range(20):
        with pytest.raises(StoreAwayError):
            store.get("k")
        clock.sleep(10)
    assert len(caplog.records) == 1
    clock.sleep(400)
    store.put("k", b"")
    assert len(caplog.records) == 2


def test_a_hiccup_is_sat_out_and_not_told(store, away, caplog):
    away.leave(0.15)
    store.put("k", b"0")
    assert away.tries > 1
    assert caplog.records == []


def test_a_longer_outage_is_an_error_with_its_remedy(store, away, clock):
    started = clock.now
    away.leave(1e6)
    with pytest.raises(StoreAwayError, match=r"asked for 120 s.*PARLEY_STORE_PATIENCE") as given_up:
        store.get("k")
    assert given_up.value.__cause__ is None
    assert clock.now - started == pytest.approx(120)


def test_loops_that_wait_on_their_own_do_not_wait_twice(store, away, clock):
    away.leave(1e6)
    with pytest.raises(StoreAwayError):
        store.get("k")
    for pause in (4, 8, 16, 32, 60, 60):
        clock.sleep(pause)
        asked = away.tries
        before = clock.now
        with pytest.raises(StoreAwayError):
            store.list()
        assert (away.tries, clock.now) == (asked + 1, before)


def test_an_outage_long_ago_takes_nothing_from_the_patience_of_the_next(store, away, clock):
    away.leave(1e6)
    with pytest.raises(StoreAwayError):
        store.get("k")
    clock.sleep(3600)
    away.leave(30)
    store.put("k", b"0")


def test_a_short_patience_ends_even_when_every_try_hangs(away, clock):
    store = PatientStore(away, patience=5, clock=clock, sleep=clock.sleep)
    away.leave(1e6, hangs=10)
    started = clock.now
    with pytest.raises(StoreAwayError):
        store.get("k")
    assert clock.now - started < 25


@pytest.mark.parametrize(
    "error",
    [ObjectNotFoundError("no object"), StoreError("AccessDenied"), ValueError("a flaw")],
)
def test_what_is_no_outage_fails_at_once(store, away, clock, monkeypatch, error):
    tries = []

    def refuse(key, *, max_bytes=None):
        tries.append(key)
        raise error

    monkeypatch.setattr(away, "get", refuse)
    started = clock.now
    with pytest.raises(type(error)):
        store.get("k")
    assert (tries, clock.now) == (["k"], started)


def nothing(store: MemoryStore) -> None:
    pass


def write(data: bytes) -> Callable[[MemoryStore], None]:
    return lambda store: store.put("k", data)


@pytest.mark.parametrize(
    ("takes", "meanwhile", "won"),
    [
        (True, nothing, True),  # ours, its answer lost
        (False, nothing, True),  # never arrived, written by the second try
        (False, write(b"other"), False),
        (False, write(b"a longer one"), False),
        (True, write(b"replaced"), False),
    ],
)
def test_a_write_whose_answer_was_lost_won_if_its_bytes_stand(clock, takes, meanwhile, won):
    inner = Losing(takes=takes, meanwhile=meanwhile)
    store = PatientStore(inner, clock=clock, sleep=clock.sleep)
    assert store.put_if_absent("k", b"mine") is won


def test_the_same_bytes_of_another_do_not_win_when_no_answer_was_lost(clock):
    inner = MemoryStore()
    inner.put("k", b"mine")
    store = PatientStore(inner, clock=clock, sleep=clock.sleep)
    assert store.put_if_absent("k", b"mine") is False


def test_what_stands_and_may_not_be_read_is_not_claimed(clock, monkeypatch):
    inner = Losing(takes=True, meanwhile=nothing)

    def refuse(key, *, max_bytes=None):
        raise StoreError("expected to read (got AccessDenied)")

    monkeypatch.setattr(inner, "get", refuse)
    store = PatientStore(inner, clock=clock, sleep=clock.sleep)
    assert store.put_if_absent("k", b"mine") is False
