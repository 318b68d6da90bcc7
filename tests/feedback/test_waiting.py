from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from feedback.bundle import ReviewBundle
from feedback.errors import DigestMismatchError, ObjectNotFoundError, StoreError
from feedback.exchange import (
    ReviewState,
    check_upload,
    decide_single,
    load_rejections,
    pending,
    publish,
    submit,
)
from feedback.policy import signed_policy, single_policy
from feedback.store import LocalStore
from feedback.waiting import wait_for_decision

FILES = {"concepts/a_k0.png": b"picture 0", "graph.png": b"picture 1"}
START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MakeDocument = Callable[..., bytes]


class Day:
    """A clock that only sleeping moves, with things that happen at given seconds."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.events: list[tuple[float, Callable[[], object]]] = []
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds
        due = [event for event in self.events if event[0] <= self.seconds]
        self.events = [event for event in self.events if event[0] > self.seconds]
        for _, happen in due:
            happen()

    def clock(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)


@pytest.fixture
def day() -> Day:
    return Day()


@pytest.fixture
def store(local_store: LocalStore, bundle: ReviewBundle) -> LocalStore:
    publish(local_store, bundle, FILES)
    return local_store


def test_an_answer_ends_the_wait(
    store: LocalStore, bundle: ReviewBundle, make_document: MakeDocument, day: Day
) -> None:
    waited: list[float] = []
    request = bundle.request_id
    day.events = [(3, lambda: submit(store, request, "u-5", "nonce-001", make_document()))]
    decision = wait_for_decision(
        store, request, poll_seconds=1, on_wait=waited.append,
        now=day.now, clock=day.clock, sleep=day.sleep,
    )  # fmt: skip
    assert decision.is_approved
    assert decision.decided_at == START + timedelta(seconds=3)
    assert waited == [0, 1, 2]


def test_a_refused_upload_leaves_it_waiting(
    store: LocalStore, bundle: ReviewBundle, make_document: MakeDocument, day: Day
) -> None:
    request = bundle.request_id
    day.events = [
        (1, lambda: submit(store, request, "u-5", "nonce-000", b"not JSON")),
        (9, lambda: submit(store, request, "u-5", "nonce-001", make_document(verdict="reject"))),
    ]
    decision = wait_for_decision(
        store, request, poll_seconds=1, now=day.now, clock=day.clock, sleep=day.sleep
    )
    assert decision.state is ReviewState.REJECTED
    assert day.seconds == 9
    assert len(load_rejections(store, request)) == 1


def test_the_first_of_several_answers_decides(
    store: LocalStore, bundle: ReviewBundle, make_document: MakeDocument, day: Day
) -> None:
    submit(store, bundle.request_id, "u-5", "nonce-001", make_document())
    second = make_document(reviewer="u-6", verdict="reject")
    submit(store, bundle.request_id, "u-6", "nonce-001", second)
    decision = wait_for_decision(
        store, bundle.request_id, now=day.now, clock=day.clock, sleep=day.sleep
    )
    assert [response.document.reviewer for response in decision.responses] == ["u-5"]
    (rejection,) = load_rejections(store, bundle.request_id)
    assert rejection.kind == "ClosedRequestError"
    assert rejection.key.startswith(f"inbox/{bundle.request_id}/u-6/")


def test_an_answer_after_the_deadline_is_refused_even_if_nobody_looked_before(
    store: LocalStore, bundle: ReviewBundle, make_document: MakeDocument, day: Day
) -> None:
    submit(store, bundle.request_id, "u-5", "nonce-001", make_document())
    (upload,) = pending(store, bundle.request_id)
    decision = wait_for_decision(
        store, bundle.request_id, deadline=upload.modified - timedelta(seconds=1),
        now=lambda: upload.modified + timedelta(seconds=1), clock=day.clock, sleep=day.sleep,
    )  # fmt: skip
    assert decision.state is ReviewState.EXPIRED
    assert load_rejections(store, bundle.request_id)[0].kind == "ClosedRequestError"


def test_a_decision_that_stands_needs_no_waiting(
    store: LocalStore, bundle: ReviewBundle, make_document: MakeDocument, day: Day
) -> None:
    made = decide_single(store, bundle, check_upload(bundle, make_document()))
    found = wait_for_decision(
        store, bundle.request_id, now=day.now, clock=day.clock, sleep=day.sleep
    )
    assert found == made
    assert day.pauses == []


def test_nobody_answering_expires_and_approves_nothing(
    store: LocalStore, bundle: ReviewBundle, day: Day
) -> None:
    decision = wait_for_decision(
        store, bundle.request_id, poll_seconds=10, deadline=START + timedelta(minutes=1),
        now=day.now, clock=day.clock, sleep=day.sleep,
    )  # fmt: skip
    assert decision.state is ReviewState.EXPIRED
    assert not decision.is_approved
    assert day.seconds == 60


def test_a_store_that_is_away_for_a_minute_is_waited_for(
    store: LocalStore,
    bundle: ReviewBundle,
    make_document: MakeDocument,
    day: Day,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    submit(store, bundle.request_id, "u-5", "nonce-001", make_document())
    listing = store.list

    def away(prefix: str = "") -> object:
        if day.seconds < 60:
            raise StoreError("expected the store to answer (got nothing)")
        return listing(prefix)

    monkeypatch.setattr(store, "list", away)
    decision = wait_for_decision(
        store, bundle.request_id, poll_seconds=0.5,
        now=day.now, clock=day.clock, sleep=day.sleep,
    )  # fmt: skip
    assert decision.is_approved
    assert day.pauses == sorted(day.pauses)
    assert max(day.pauses) <= 30


def test_a_store_that_stays_away_ends_the_wait(
    store: LocalStore, bundle: ReviewBundle, day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(prefix: str = "") -> object:
        raise StoreError("expected the store to answer (got nothing)")

    monkeypatch.setattr(store, "list", away)
    with pytest.raises(StoreError, match="to answer"):
        wait_for_decision(
            store, bundle.request_id, patience=120,
            now=day.now, clock=day.clock, sleep=day.sleep,
        )  # fmt: skip
    assert 120 < day.seconds < 200


def test_an_unknown_request_is_not_waited_for(local_store: LocalStore, day: Day) -> None:
    with pytest.raises(ObjectNotFoundError):
        wait_for_decision(local_store, "r-1", now=day.now, clock=day.clock, sleep=day.sleep)
    assert day.pauses == []


def test_a_decision_by_a_rule_that_is_not_named_is_not_taken(
    store: LocalStore, bundle: ReviewBundle, make_document: MakeDocument, day: Day
) -> None:
    submit(store, bundle.request_id, "u-5", "nonce-001", make_document())
    made = wait_for_decision(
        store, bundle.request_id, now=day.now, clock=day.clock, sleep=day.sleep
    )
    strict = signed_policy()
    with pytest.raises(DigestMismatchError, match="by one of the policies signed"):
        wait_for_decision(store, bundle.request_id, policy=strict, now=day.now, sleep=day.sleep)
    found = wait_for_decision(
        store, bundle.request_id, policy=strict, trusted=[single_policy()],
        now=day.now, sleep=day.sleep,
    )  # fmt: skip
    assert found == made


def test_an_old_decision_without_a_kept_rule_is_taken_as_single_alone(
    store: LocalStore, bundle: ReviewBundle, make_document: MakeDocument, day: Day
) -> None:
    decide_single(store, bundle, check_upload(bundle, make_document()))
    with pytest.raises(DigestMismatchError, match="name that policy too"):
        wait_for_decision(
            store, bundle.request_id, policy=signed_policy(), now=day.now, sleep=day.sleep
        )
