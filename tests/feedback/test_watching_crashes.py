"""Watchers that die at any moment, and several at once: nothing double and nothing lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedback.audit import AuditLog
from feedback.audit_check import verify
from feedback.layout import (
    ACCEPTED,
    DECISIONS,
    REJECTIONS,
    receipt_key,
    rejection_key,
    upload_key,
)
from feedback.store import LocalStore
from feedback.watching import watch_once
from tests.feedback.memory import Killed, MemoryStore, MortalStore
from tests.feedback.people import PAIR, Office, step
from tests.review_request import CUT, NOW, make_edit


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
    office.upload(
        "bob", "nonce-0001", office.signed("bob", "nonce-0001", responses=[make_edit(CUT)])
    )
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
