"""The review request of ``tests/review_request.py``, answers to it, and stores to keep them in."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from feedback.bundle import ReviewBundle
from feedback.store import LocalStore
from tests import review_request
from tests.feedback.people import Office
from tests.s3_double import s3_server

MakeDocument = Callable[..., bytes]


@pytest.fixture(scope="session")
def bundle() -> ReviewBundle:
    return review_request.make_bundle()


@pytest.fixture
def local_store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture(scope="session")
def make_document(bundle: ReviewBundle) -> MakeDocument:
    return partial(review_request.make_document, bundle)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def s3_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "reader")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
