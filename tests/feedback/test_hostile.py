"""Thousands of uploads of every bad kind: none accepted, none stops the watcher, all answered."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback.audit import AuditLog
from feedback.audit_check import verify
from feedback.layout import ACCEPTED, DECISIONS, rejection_key, request_of
from feedback.publishing import publish
from feedback.rejections import load_rejections
from feedback.states import ReviewState
from feedback.watching import watch_once
from tests.feedback.hostile import Attacker
from tests.feedback.people import PAIR, Office
from tests.review_request import FILES

BATCH = 250


def attack(n_uploads: int, seed: int) -> None:
    office = Office()
    attacker = Attacker(office, seed)
    publish(office.store, attacker.other, FILES)
    office.upload("ada", "nonce-0001")
    log = AuditLog(office.store)
    put: dict[str, bytes] = {}
    for _ in range(n_uploads // BATCH):
        batch = dict(attacker.draw() for _ in range(BATCH))
        for key, data in batch.items():
            office.store.put(key, data)
        put |= batch
        report = watch_once(office.store, PAIR, office.now, log=log)
        assert report.problems == []
        assert len(office.store.list(DECISIONS)) == 0
        accepted = [info.key for info in office.store.list(ACCEPTED)]
        assert accepted == [f"accepted/{office.bundle.request_id}/ada/nonce-0001.json"]
        unanswered = [
            key for key in batch if not office.store.exists(rejection_key(request_of(key), key))
        ]
        assert unanswered == []
        assert watch_once(office.store, PAIR, office.now, log=log).rejections == []
    assert len(put) > 0.99 * n_uploads
    for rejection in load_rejections(office.store, office.bundle.request_id):
        # What was expected, what came, and the remedy.
        assert re.fullmatch(r"expected .+ \(got.*\); .+", rejection.reason), rejection.reason
        assert "report this" not in rejection.reason, "a flaw of ours caught as a refusal"
        assert all(character.isprintable() for character in rejection.reason)
    assert log.length == len(office.store.list("rejections/"))
    # The request lived through it all: the second good answer closes it.
    office.upload("bob", "nonce-0001")
    (decision,) = watch_once(office.store, PAIR, office.now, log=log).decisions
    assert decision.state is ReviewState.APPROVED
    assert [response.document.reviewer for response in decision.responses] == ["ada", "bob"]
    assert verify(office.store).broken == ""


def test_two_thousand_hostile_uploads_are_refused_and_change_nothing() -> None:
    attack(2_000, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_thousand_hostile_uploads_are_refused_and_change_nothing() -> None:
    attack(10_000, seed=2)


OFFICE = Office()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda child: (
        st.lists(child, max_size=4)
        | st.dictionaries(
            st.sampled_from(["document", "signature", "schema_version", "verdict", "x"]), child
        )
    ),
    max_leaves=20,
)


@given(st.binary(max_size=300) | JSON.map(lambda value: repr(value).encode("utf-8", "replace")),
       st.text(max_size=30))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_any_bytes_under_any_name_are_refused(data: bytes, name: str) -> None:
    store = OFFICE.store.copy()
    key = f"inbox/{OFFICE.bundle.request_id}/{name}"
    try:
        store.put(key, data)
    except Exception:
        # The store itself refuses the name.
        return
    report = watch_once(store, PAIR, OFFICE.now)
    assert (report.problems, len(report.rejections), report.decisions) == ([], 1, [])
    assert store.list(ACCEPTED) == []
