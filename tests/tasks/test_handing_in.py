"""Handing in with every right, and with the key of a reviewer, who may write one inbox alone."""

from datetime import timedelta

import pytest

from feedback.errors import (
    AccessDeniedError,
    BundleMismatchError,
    ClosedRequestError,
    DuplicateError,
    MalformedDocumentError,
    ObjectNotFoundError,
    UnknownTargetError,
)
from feedback.layout import upload_key
from feedback.publishing import publish
from feedback.waiting import wait_for_decision
from tasks.access import bucket_policy
from tasks.handing_in import hand_in, read_manifest
from tests.feedback.memory import MemoryStore
from tests.guarded import GuardedStore
from tests.review_request import CUT, FILES, NOW, make_answer, make_bundle, make_edit

BUNDLE = make_bundle()
REQUEST = BUNDLE.request_id
KEY = upload_key(REQUEST, "ada", "nonce-0001")


@pytest.fixture
def store():
    found = MemoryStore()
    publish(found, BUNDLE, FILES)
    return found


@pytest.fixture
def own(store):
    """The same store in the hands of a reviewer."""
    return GuardedStore(store, bucket_policy("parley", reviewers=["ada"]), "reviewer-ada")


def test_who_may_read_hears_of_everything_beforehand(store):
    with pytest.raises(ObjectNotFoundError):
        hand_in(store, "r-unknown", make_answer(BUNDLE))
    handed = hand_in(store, REQUEST, make_answer(BUNDLE))
    assert (handed.key, handed.remark) == (KEY, "")
    with pytest.raises(DuplicateError, match="again"):
        hand_in(store, REQUEST, make_answer(BUNDLE))
    wait_for_decision(store, REQUEST)
    with pytest.raises(ClosedRequestError, match="APPROVED"):
        hand_in(store, REQUEST, make_answer(BUNDLE, nonce="nonce-0002"))


def test_a_reviewers_own_key_is_enough_and_the_answer_counts(store, own):
    handed = hand_in(own, REQUEST, make_answer(BUNDLE))
    assert handed.key == KEY
    assert "checked for its form alone; --bundle manifest.json" in handed.remark
    assert f"a refusal would lie at rejections/{REQUEST}/ada/nonce-0001.json" in handed.remark
    assert wait_for_decision(store, REQUEST).state.value == "APPROVED"


def test_what_the_request_denies_is_found_by_its_file(store, own):
    wrong = make_answer(BUNDLE, responses=[make_edit(CUT, class_name="submarine")])
    with pytest.raises(UnknownTargetError):
        hand_in(own, REQUEST, wrong, bundle=BUNDLE)
    with pytest.raises(BundleMismatchError, match="bundle_sha256"):
        hand_in(own, REQUEST, make_answer(BUNDLE, bundle_sha256="0" * 64), bundle=BUNDLE)
    assert not store.exists(KEY)
    handed = hand_in(own, REQUEST, make_answer(BUNDLE), bundle=BUNDLE)
    assert "checked against its file, but not whether the request is still open" in handed.remark


def test_what_is_wrong_in_itself_is_found_without_any_file(store, own):
    with pytest.raises(MalformedDocumentError):
        hand_in(own, REQUEST, b"[]")
    with pytest.raises(BundleMismatchError, match="an answer to 'r-other'"):
        hand_in(own, "r-other", make_answer(BUNDLE))
    with pytest.raises(AccessDeniedError):
        hand_in(own, REQUEST, make_answer(BUNDLE, reviewer="bob"))
    assert not store.list("inbox/")


def test_the_time_of_a_request_is_known_by_its_file(own):
    long_ago = NOW.replace(year=2020)
    late = make_bundle(created_at=long_ago, deadline=long_ago + timedelta(hours=1))
    with pytest.raises(ClosedRequestError, match="expected an answer by"):
        hand_in(own, late.request_id, make_answer(late), bundle=late)


def test_the_same_nonce_twice_is_told_where_the_first_may_not_be_read(store, own):
    hand_in(own, REQUEST, make_answer(BUNDLE))
    with pytest.raises(DuplicateError, match="perhaps this very answer"):
        hand_in(own, REQUEST, make_answer(BUNDLE, verdict="reject"))
    assert store.get(KEY) == make_answer(BUNDLE)


def test_a_late_answer_that_nobody_could_check_is_no_second_decision(store, own):
    hand_in(own, REQUEST, make_answer(BUNDLE))
    decision = wait_for_decision(store, REQUEST)
    hand_in(own, REQUEST, make_answer(BUNDLE, verdict="reject", nonce="nonce-0002"))
    assert wait_for_decision(store, REQUEST) == decision


def test_a_manifest_is_that_request_as_it_was_published(tmp_path):
    path = tmp_path / "manifest.json"
    with pytest.raises(BundleMismatchError, match=rf"parley review show {REQUEST} --files"):
        read_manifest(path, REQUEST)
    path.write_bytes(BUNDLE.to_json())
    assert read_manifest(path, REQUEST) == BUNDLE
    path.write_bytes(BUNDLE.to_json().replace(b"resnet18", b"resnet19"))
    with pytest.raises(BundleMismatchError, match="another file, or changed bytes"):
        read_manifest(path, REQUEST)
