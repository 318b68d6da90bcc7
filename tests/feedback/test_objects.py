"""The promises of an object store, checked on the local folder and on S3."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedback.errors import ObjectNotFoundError, ObjectTooLargeError, StoreError
from feedback.objects import ObjectStore
from feedback.store import LocalStore


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "local":
        return LocalStore(tmp_path)
    from feedback.s3 import S3Store

    request.getfixturevalue("s3_credentials")
    return S3Store("parley", prefix=tmp_path.name, endpoint=request.getfixturevalue("s3_endpoint"))


def test_what_was_put_comes_back(store: ObjectStore) -> None:
    store.put("a/b.json", b"\0\xff")
    store.put("a/b.json", b"second")
    assert store.get("a/b.json") == b"second"
    assert store.exists("a/b.json")
    assert not store.exists("a")


def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    store.put("empty", b"")
    assert store.get("empty", max_bytes=0) == b""
    assert store.exists("empty")


def test_a_missing_object_is_named_in_the_error(store: ObjectStore) -> None:
    with pytest.raises(ObjectNotFoundError, match=r"'nowhere/x'.*got none"):
        store.get("nowhere/x")


def test_a_large_object_is_not_read(store: ObjectStore) -> None:
    store.put("large", b"x" * 11)
    assert store.get("large", max_bytes=11) == b"x" * 11
    with pytest.raises(ObjectTooLargeError, match="at most 10 bytes"):
        store.get("large", max_bytes=10)


def test_the_first_conditional_write_stays(store: ObjectStore) -> None:
    assert store.put_if_absent("once", b"first")
    assert not store.put_if_absent("once", b"second")
    assert store.get("once") == b"first"


def test_one_of_many_threads_wins(store: ObjectStore) -> None:
    contents = [b"%d" % writer * 1000 for writer in range(16)]
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda data: store.put_if_absent("race", data), contents))
    assert sum(won) == 1
    assert store.get("race") == contents[won.index(True)]


def test_deleting_twice_is_no_error(store: ObjectStore) -> None:
    store.put("gone", b"x")
    store.delete("gone")
    store.delete("gone")
    assert not store.exists("gone")
    assert store.put_if_absent("gone", b"y")


def test_a_listing_is_sorted_and_cut_by_any_prefix(store: ObjectStore) -> None:
    for key in ["b/2", "a/träger", "b/10", "b/1/x", "bc", "a/Z"]:
        store.put(key, key.encode())
    assert [info.key for info in store.list()] == sorted(
        ["b/2", "a/träger", "b/10", "b/1/x", "bc", "a/Z"]
    )
    assert [info.key for info in store.list("b/1")] == ["b/1/x", "b/10"]
    assert [info.key for info in store.list("b")] == ["b/1/x", "b/10", "b/2", "bc"]
    assert list(store.list("nowhere/")) == []


def test_folders_are_told_without_what_they_hold(store: ObjectStore) -> None:
    for key in ["a/träger/1", "a/b/1", "a/b/c/2", "a/file", "a/gone/x", "ab/1", "top"]:
        store.put(key, b"")
    store.delete("a/gone/x")
    assert list(store.folders("a/")) == ["b", "träger"]
    assert list(store.folders("")) == ["a", "ab"]
    assert list(store.folders("a/b/")) == ["c"]
    assert list(store.folders("nowhere/")) == []
    for prefix in ("a", "../", "/", "a//"):
        with pytest.raises(StoreError, match="expected"):
            store.folders(prefix)


def test_a_listing_tells_size_age_and_replacement(store: ObjectStore) -> None:
    store.put("k", b"123")
    before = store.list("k")[0]
    store.put("k", b"1234")
    after = store.list("k")[0]
    assert (before.size, after.size) == (3, 4)
    assert before.etag != after.etag
    assert abs(datetime.now(UTC) - after.modified) < timedelta(minutes=1)


@pytest.mark.parametrize("key", ["", "../x", "/x", "a//b", ".x", "a\\b"])
def test_no_method_takes_a_key_that_leaves_the_store(store: ObjectStore, key: str) -> None:
    for call in (
        lambda: store.put(key, b""), lambda: store.put_if_absent(key, b""),
        lambda: store.get(key), lambda: store.exists(key), lambda: store.delete(key),
    ):  # fmt: skip
        with pytest.raises(StoreError):
            call()
