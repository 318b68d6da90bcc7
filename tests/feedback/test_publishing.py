from datetime import timedelta

import pytest

from feedback.bundle import ReviewBundle
from feedback.errors import DigestMismatchError, ObjectNotFoundError, StoreError
from feedback.layout import file_key, manifest_key
from feedback.publishing import load_bundle, load_file, publish, verify_files
from feedback.store import LocalStore

FILES = {"concepts/a_k0.png": b"picture 0", "graph.png": b"picture 1"}


def test_what_was_published_comes_back_verified(
    local_store: LocalStore, bundle: ReviewBundle
) -> None:
    assert publish(local_store, bundle, FILES) == bundle
    assert load_bundle(local_store, bundle.request_id) == bundle
    assert load_file(local_store, bundle, "graph.png") == b"picture 1"
    verify_files(local_store, bundle)


def test_publishing_again_changes_nothing(local_store: LocalStore, bundle: ReviewBundle) -> None:
    publish(local_store, bundle, FILES)
    before = local_store.list()
    later = bundle.model_copy(update={"created_at": bundle.created_at + timedelta(days=1)})
    assert publish(local_store, later, FILES) == bundle
    assert local_store.list() == before


def test_the_manifest_comes_last(
    local_store: LocalStore, bundle: ReviewBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(key: str, data: bytes) -> None:
        raise StoreError("disk full")

    monkeypatch.setattr(local_store, "put", full)
    with pytest.raises(StoreError, match="disk full"):
        publish(local_store, bundle, FILES)
    assert not local_store.exists(manifest_key(bundle.request_id))
    monkeypatch.undo()
    assert publish(local_store, bundle, FILES) == bundle


@pytest.mark.parametrize("files", [{}, {**FILES, "x.png": b""}, {**FILES, "graph.png": b"other"}])
def test_files_must_be_those_of_the_manifest(
    local_store: LocalStore, bundle: ReviewBundle, files: dict[str, bytes]
) -> None:
    with pytest.raises(ValueError, match="the manifest's files"):
        publish(local_store, bundle, files)
    assert list(local_store.list()) == []


def test_a_changed_picture_is_found(local_store: LocalStore, bundle: ReviewBundle) -> None:
    publish(local_store, bundle, FILES)
    local_store.put(file_key(bundle.request_id, "graph.png"), b"forged")
    with pytest.raises(DigestMismatchError, match=r"graph\.png"):
        verify_files(local_store, bundle)


def test_an_unknown_request_is_named(local_store: LocalStore) -> None:
    with pytest.raises(ObjectNotFoundError, match=r"expected a published request .*'r-1'"):
        load_bundle(local_store, "r-1")
