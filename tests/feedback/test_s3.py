import logging

import pytest
from botocore.exceptions import ClientError

from feedback.errors import StoreError
from feedback.probing import probe_conditional_writes
from feedback.s3 import S3Store
from feedback.store import open_store

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("s3_credentials")]


def refusal(status: str, retries: int = 0) -> ClientError:
    metadata = {"HTTPStatusCode": 0, "RetryAttempts": retries}
    return ClientError({"Error": {"Code": status}, "ResponseMetadata": metadata}, "PutObject")


def test_a_store_that_honours_conditional_writes_opens(s3_endpoint: str) -> None:
    store = open_store("s3://parley/team/a", endpoint=s3_endpoint)
    assert store.url == "s3://parley/team/a"
    assert list(store.list()) == []


def test_the_endpoint_may_come_from_the_environment(
    s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_endpoint)
    store = open_store("s3://parley/env")
    store.put("a", b"1")
    assert open_store("s3://parley/env", endpoint=s3_endpoint).get("a") == b"1"


def test_a_store_that_ignores_the_condition_is_refused(
    s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = S3Store("parley", prefix="careless", endpoint=s3_endpoint)

    def careless(key: str, data: bytes) -> bool:
        store.put(key, data)
        return True

    monkeypatch.setattr(store, "put_if_absent", careless)
    with pytest.raises(StoreError, match="If-None-Match"):
        probe_conditional_writes(store)


def test_prefixes_do_not_see_each_other(s3_endpoint: str) -> None:
    one = S3Store("parley", prefix="one", endpoint=s3_endpoint)
    two = S3Store("parley", prefix="on", endpoint=s3_endpoint)
    one.put("k", b"1")
    assert list(two.list()) == []
    assert not two.exists("k")


def test_a_listing_of_many_pages_is_complete(s3_endpoint: str) -> None:
    store = S3Store("parley", prefix="many", endpoint=s3_endpoint)
    paginate = store._client.get_paginator

    class Small:
        def paginate(self, **arguments: object) -> object:
            return paginate("list_objects_v2").paginate(
                PaginationConfig={"PageSize": 2}, **arguments
            )

    store._client.get_paginator = lambda name: Small()
    for number in range(7):
        store.put(f"k{number}", b"")
    assert [info.key for info in store.list()] == [f"k{number}" for number in range(7)]


def test_a_conflict_is_tried_again(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    store = S3Store("parley", prefix="conflict", endpoint=s3_endpoint, sleep=pauses.append)
    put = store._client.put_object
    answers = [refusal("ConditionalRequestConflict"), refusal("409")]

    def busy(**arguments: object) -> object:
        if answers:
            raise answers.pop()
        return put(**arguments)

    monkeypatch.setattr(store._client, "put_object", busy)
    assert store.put_if_absent("k", b"1")
    assert len(pauses) == 2


def test_an_endless_conflict_is_an_error(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = S3Store("parley", endpoint=s3_endpoint, sleep=lambda seconds: None)

    def busy(**arguments: object) -> object:
        raise refusal("409")

    monkeypatch.setattr(store._client, "put_object", busy)
    with pytest.raises(StoreError, match="conflict 8 times"):
        store.put_if_absent("k", b"1")


def test_a_missing_bucket_is_named_with_a_remedy(s3_endpoint: str) -> None:
    with pytest.raises(StoreError, match=r"s3://nowhere.*NoSuchBucket.*bucket\s+exists"):
        open_store("s3://nowhere", endpoint=s3_endpoint)


def test_a_service_that_is_away_is_an_error_without_credentials(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "feedback")
    store = S3Store("parley", endpoint="http://reader:hunter2@127.0.0.1:9", tries=1)
    for call in (
        lambda: store.get("k"),
        lambda: store.put("k", b""),
        lambda: store.put_if_absent("k", b""),
        lambda: store.exists("k"),
        lambda: store.delete("k"),
        lambda: store.list(),
    ):
        with pytest.raises(StoreError, match="the service answers") as away:
            call()
        assert "hunter2" not in str(away.value)
        assert away.value.__cause__ is None
    assert "hunter2" not in caplog.text
