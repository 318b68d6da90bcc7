"""The S3 service is away for a while in the middle of the work: it waits, and goes on."""

import logging
import threading
import time

import boto3
import pytest

from feedback.bundle import ModelVersion
from feedback.layout import file_key, manifest_key
from feedback.publishing import load_bundle, publish
from feedback.store import open_store
from tasks.artifacts import ArtifactStore
from tests.e2e.gateway import BUCKET, USERS, furnish, gateway
from tests.review_request import FILES, make_bundle

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]
AWAY = 20.0
"""Seconds."""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("away") / "s3"
    with gateway(folder, dict.fromkeys(("owner", *USERS), "k" * 40)) as made:
        furnish(made, folder)
        yield made


@pytest.fixture
def store(service, monkeypatch):
    for name, value in service.environment("owner").items():
        monkeypatch.setenv(name, value)
    # boto3's own session remembers the first credentials that it saw.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return open_store(f"s3://{BUCKET}")


class Worker(threading.Thread):
    """Does steps one after the other until told to stop; what a step raises is kept."""

    def __init__(self, step):
        super().__init__()
        self.step, self.done, self.error, self.stop = step, 0, None, threading.Event()

    def run(self):
        try:
            while not self.stop.is_set():
                self.step(self.done)
                self.done += 1
        except BaseException as error:
            self.error = error


def test_publishing_and_reading_go_on_after_an_outage(service, store, caplog):
    caplog.set_level(logging.INFO, "feedback")
    artifacts, published, kept, won = ArtifactStore(store), [], [], []
    shown = artifacts.save_json(list(range(1000)))

    def publish_one(number):
        bundle = make_bundle(model=ModelVersion(name="resnet18", digest=f"{number:064x}"))
        published.append(publish(store, bundle, FILES))

    def read_one(number):
        assert artifacts.load_json(shown) == list(range(1000))
        assert store.exists(shown.uri)
        assert store.list("artifacts/")

    def keep_one(number):
        kept.append(artifacts.save_json(number))
        won.append(store.put_if_absent(f"runs/once-{number}.json", b"%d" % number))

    workers = [Worker(step) for step in (publish_one, read_one, keep_one)]
    for worker in workers:
        worker.start()
    time.sleep(1)
    with service.away():
        before = [worker.done for worker in workers]
        time.sleep(AWAY)
        # One step at most was under way when the service went.
        stood = [worker.done for worker in workers]
    until = time.monotonic() + 60
    while any(w.done < n + 3 for w, n in zip(workers, stood, strict=True)):
        assert time.monotonic() < until
        assert [worker.error for worker in workers] == [None] * 3
        time.sleep(0.1)
    for worker in workers:
        worker.stop.set()
    for worker in workers:
        worker.join(60)
    assert [worker.error for worker in workers] == [None] * 3
    assert all(after - n <= 1 for after, n in zip(stood, before, strict=True))
    assert len(published) == len({bundle.request_id for bundle in published})
    for bundle in published:
        assert load_bundle(store, bundle.request_id) == bundle
        assert store.get(manifest_key(bundle.request_id)) == bundle.to_json()
        for name, data in FILES.items():
            assert store.get(file_key(bundle.request_id, name)) == data
    assert [artifacts.load_json(ref) for ref in kept] == list(range(len(kept)))
    # Nobody else wrote these, so whoever lost an answer must not be told that another one won.
    assert won == [True] * len(won)
    if service.is_real:
        told = [record.getMessage() for record in caplog.records]
        assert [line.split()[3] for line in told] == ["away;", "back"], told
