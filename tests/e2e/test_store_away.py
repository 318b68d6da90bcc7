"""The S3 service is away for a minute in the middle of the work: it waits, and goes on."""

import logging
import threading
import time
from collections import defaultdict
from datetime import UTC, datetime
from itertools import pairwise

import boto3
import pytest

from feedback.audit import AuditLog
from feedback.audit_check import verify
from feedback.bundle import ModelVersion
from feedback.layout import DECISIONS, INBOX, decision_key, file_key, manifest_key
from feedback.policy import single_policy
from feedback.publishing import begun_requests, load_bundle, publish
from feedback.recording import load_decision
from flows.watch import keep_watch
from tasks.exchange import collect_decision, submit_feedback
from tasks.notifying import Notifier
from tasks.settings import Settings
from tasks.workplace import open_workplace
from tests.e2e.gateway import BUCKET, USERS, furnish, gateway
from tests.e2e.servers import wait_for
from tests.review_request import FILES, make_answer, make_bundle

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(420)]
AWAY = 60.0
"""Seconds."""
SETTLED = 15.0
"""Seconds of the outage after which all pauses have grown to 2.5 to 5 s, the latecomer's too."""
SHORTEST = 2.5
FEWEST = 6
"""Tries in what is left of the outage; nine, if the machine were never busy."""


class Worker(threading.Thread):
    """Works with an object store of its own, as a process does; what it raises is kept.

    Attributes:
        done: Steps that came to their end.
        tries: When each of its threads sent something.
    """

    def __init__(self, work):
        super().__init__(daemon=True)
        self.work, self.done, self.error, self.stop = work, 0, None, threading.Event()
        self.workplace, self.tries = open_workplace(Settings()), defaultdict(list)
        client = self.workplace.objects._store._client
        client.meta.events.register("before-send.s3", self._note)

    @property
    def store(self):
        return self.workplace.objects

    def run(self):
        try:
            self.work(self)
        except Stopped:
            pass
        except BaseException as error:
            self.error = error

    def step(self, *_):
        self.done += 1

    def pause(self, seconds):
        if self.stop.wait(seconds):
            raise Stopped

    def _note(self, **_):
        self.tries[threading.get_ident()].append(time.monotonic())


class Stopped(Exception):
    """A worker was told to stop."""


def again(step):
    """Return the work of doing one step after the other, each told its number."""

    def work(worker):
        while not worker.stop.is_set():
            step(worker, worker.done)
            worker.step()

    return work


def asked(number):
    model = ModelVersion(name="resnet18", digest=f"{number:064x}")
    return make_bundle(model=model, created_at=datetime.now(UTC))


def answer(bundle):
    return make_answer(bundle, created_at=datetime.now(UTC).isoformat())


@pytest.fixture
def service(tmp_path, monkeypatch):
    folder = tmp_path / "s3"
    with gateway(folder, dict.fromkeys(("owner", *USERS), "k" * 40)) as made:
        furnish(made, folder)
        for name, value in made.environment("owner").items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PARLEY_STORE", f"s3://{BUCKET}")
        monkeypatch.setenv("PARLEY_HOME", str(tmp_path / "home"))
        # boto3's own session remembers the first credentials that it saw.
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        yield made


def test_publishing_waiting_watching_and_reading_go_on_after_an_outage(service, caplog):
    caplog.set_level(logging.INFO, "feedback")
    workplace = open_workplace(Settings())
    store, artifacts = workplace.objects, workplace.artifacts
    shown = artifacts.save_json(list(range(1000)))
    waited = [publish(store, asked(10**6 + n), FILES) for n in range(2)]
    published, kept, won, told, decisions = [], [], [], [], {}

    def publish_one(worker, number):
        published.append(publish(worker.store, asked(number), FILES))

    def read_one(worker, number):
        assert worker.workplace.artifacts.load_json(shown) == list(range(1000))
        assert load_bundle(worker.store, waited[0].request_id) == waited[0]
        assert worker.store.exists(shown.uri)
        assert worker.store.list("artifacts/")

    def keep_one(worker, number):
        kept.append(worker.workplace.artifacts.save_json(number))
        won.append(worker.store.put_if_absent(f"runs/once-{number}.json", b"%d" % number))

    def watch(worker):
        notifier = Notifier({"room": lambda title, text: not told.append(title)})
        keep_watch(
            worker.store, single_policy(), every_seconds=0.2, notifier=notifier,
            on_report=worker.step, sleep=worker.pause,
        )  # fmt: skip

    def wait_for_one(bundle):
        def work(worker):
            decisions[bundle.request_id] = collect_decision.fn(
                worker.workplace, bundle.request_id, poll_seconds=0.2, on_wait=worker.step
            )

        return work

    def hand_in(bundle):
        def work(worker):
            submit_feedback.fn(worker.workplace, bundle.request_id, answer(bundle))
            worker.step()

        return work

    loops = [Worker(again(step)) for step in (publish_one, read_one, keep_one)]
    watcher, gates = Worker(watch), [Worker(wait_for_one(bundle)) for bundle in waited]
    late = Worker(hand_in(waited[0]))
    at_work = [*loops, watcher, *gates]
    for worker in at_work:
        worker.start()
    wait_for(lambda: all(worker.done >= 3 for worker in at_work), 60, "everybody to be at work")
    with service.away():
        gone, before = time.monotonic(), [worker.done for worker in at_work]
        time.sleep(5)
        late.start()
        time.sleep(AWAY - 5)
        # One step at most was under way when the service went.
        back, stood = time.monotonic(), [worker.done for worker in at_work]
        assert all(after - n <= 1 for after, n in zip(stood, before, strict=True))
        assert (late.done, decisions) == (0, {})
        assert [worker.error for worker in (*at_work, late)] == [None] * 7
    # What waited for the service goes on by itself; the second request is answered only now.
    wait_for(lambda: late.done == 1, 60, "the answer of the outage")
    submit_feedback.fn(workplace, waited[1].request_id, answer(waited[1]))
    marks = [(worker, n + 3) for worker, n in zip(at_work, stood, strict=True) if worker in loops]
    wait_for(lambda: all(worker.done >= n for worker, n in marks), 60, "everybody to go on")
    for worker in loops:
        worker.stop.set()
    for worker in (*loops, *gates, late):
        worker.join(60)
    looked = watcher.done
    wait_for(lambda: watcher.done >= looked + 2, 60, "the watcher to look at all of it")
    watcher.stop.set()
    watcher.join(60)
    assert [worker.error for worker in (*at_work, late)] == [None] * 7

    # Nothing is lost, and nothing is there twice.
    everything = sorted(bundle.request_id for bundle in (*published, *waited))
    assert len(set(everything)) == len(published) + 2
    assert list(begun_requests(store)) == everything
    for bundle in published:
        assert load_bundle(store, bundle.request_id) == bundle
        assert store.get(manifest_key(bundle.request_id)) == bundle.to_json()
        for name, data in FILES.items():
            assert store.get(file_key(bundle.request_id, name)) == data
    assert [artifacts.load_json(ref) for ref in kept] == list(range(len(kept)))
    # Nobody else wrote these, so whoever lost an answer must not be told that another one won.
    assert won == [True] * len(won)
    assert len(store.list("runs/once-")) == len(won)
    decided = sorted(decision_key(bundle.request_id, 1) for bundle in waited)
    assert [info.key for info in store.list(DECISIONS)] == decided
    assert sorted(entry.subject for entry in AuditLog(store).refresh()) == decided
    assert verify(store).is_intact
    assert len(store.list(INBOX)) == 2
    for bundle in waited:
        decision = decisions[bundle.request_id]
        assert decision == load_decision(store, bundle.request_id)
        assert (decision.is_approved, len(decision.responses)) == (True, 1)
    wanted = [title for title in told if title.startswith("Review wanted")]
    assert sorted(wanted) == [f"Review wanted: {request_id}" for request_id in everything]
    assert len(told) == len(set(told))

    if service.is_real:
        for worker in (*at_work, late):
            assert_backed_off(worker, gone + SETTLED, back)
        lines = [r.getMessage().split() for r in caplog.records if r.name == "feedback.patient"]
        assert sorted(line[3] for line in lines) == ["away;"] * 7 + ["back"] * 7
        assert min(float(line[5]) for line in lines if line[3] == "back") >= AWAY - 10
        # The patience of the store was enough: the loops that wait on their own saw no outage.
        assert "next try in" not in caplog.text


def assert_backed_off(worker, since, until):
    """Check that a worker went on asking all the time, with long pauses."""
    asking = [[t for t in times if since <= t <= until] for times in worker.tries.values()]
    asking = [times for times in asking if times]
    assert asking
    for times in asking:
        assert len(times) >= FEWEST
        assert min(later - earlier for earlier, later in pairwise(times)) >= SHORTEST
