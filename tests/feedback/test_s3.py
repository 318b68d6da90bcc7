import logging

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)

from feedback.errors import StoreAwayError, StoreError
from feedback.probing import probe_conditional_writes
from feedback.s3 import S3Store
from feedback.store import open_store

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("s3_credentials")]


def refusal(status: str, http: int = 0) -> ClientError:
    metadata = {"HTTPStatusCode": http, "RetryAttempts": 0}
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
    store = S3Store("parley", endpoint="http://reader:hunter2@127.0.0.1:9")
    for call in (
        lambda: store.get("k"),
        lambda: store.put("k", b""),
        lambda: store.put_if_absent("k", b""),
        lambda: store.exists("k"),
        lambda: store.delete("k"),
        lambda: store.list(),
    ):
        with pytest.raises(StoreAwayError, match="the service answers") as away:
            call()
        assert "hunter2" not in str(away.value)
        assert away.value.__cause__ is None
    assert "hunter2" not in caplog.text


URL = {"endpoint_url": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("error", "is_away"),
    [
        (refusal("SlowDown", 503), True),
        (refusal("", 502), True),
        (refusal("InternalError", 500), True),
        (refusal("RequestTimeout", 400), True),
        (EndpointConnectionError(**URL), True),
        (ConnectTimeoutError(**URL), True),
        (ReadTimeoutError(**URL), True),
        (ResponseStreamingError(error="broken"), True),
        (refusal("AccessDenied", 403), False),
        (refusal("InvalidAccessKeyId", 403), False),
        (refusal("NoSuchBucket", 404), False),
        (refusal("InvalidBucketName", 400), False),
        (refusal("NotImplemented", 501), False),
        (SSLError(error="certificate", **URL), False),
    ],
)
def test_only_what_may_pass_by_itself_is_an_outage(
    s3_endpoint: str, monkeypatch: pytest.MonkeyPatch, error: Exception, is_away: bool
) -> None:
    store = S3Store("parley", endpoint=s3_endpoint)
    tries = []

    def fail(**arguments: object) -> object:
        tries.append(arguments)
        raise error

    for method in ("put_object", "get_object", "head_object"):
        monkeypatch.setattr(store._client, method, fail)
    for call in (
        lambda: store.put("k", b""), lambda: store.put_if_absent("k", b""),
        lambda: store.get("k"), lambda: store.exists("k"),
    ):  # fmt: skip
        with pytest.raises(StoreError) as raised:
            call()
        assert isinstance(raised.value, StoreAwayError) is is_away
    assert len(tries) == 4


def test_a_bucket_that_is_missing_is_told_at_once_however_patient(s3_endpoint: str) -> None:
    with pytest.raises(StoreError, match="NoSuchBucket") as raised:
        open_store("s3://nowhere", endpoint=s3_endpoint, patience=1e6)
    assert not isinstance(raised.value, StoreAwayError)


def test_a_service_that_stays_away_is_an_error_when_the_patience_ends() -> None:
    with pytest.raises(StoreAwayError, match=r"EndpointConnectionError.*asked for 0 s"):
        open_store("s3://parley", endpoint="http://127.0.0.1:9", patience=0.3)
