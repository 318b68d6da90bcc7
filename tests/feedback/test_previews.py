import json
from datetime import timedelta

import pytest

from feedback.bundle import ReviewBundle
from feedback.errors import BundleMismatchError, ContradictionError, MalformedDocumentError
from feedback.fields import JsonObject
from feedback.inbox import pending
from feedback.layout import inbox_prefix, preview_answer_key
from feedback.previews import (
    Preview,
    PreviewRequest,
    answer_preview,
    edits_digest,
    load_preview,
    parse_preview_request,
    pending_previews,
    request_preview,
)
from feedback.publishing import publish
from tests.feedback.memory import MemoryStore
from tests.review_request import FILES, NOW, make_edit


def response(to: str = "carrier/k03", reason: str = "") -> JsonObject:
    op: JsonObject = {
        "op": "replace_concept",
        "slot": 0,
        "from": "carrier/k00",
        "to": to,
        "reason": reason,
    }
    return make_edit(op)


def question(bundle: ReviewBundle, **changes: object) -> PreviewRequest:
    values = {
        "request_id": bundle.request_id,
        "bundle_sha256": bundle.digest,
        "channel": bundle.channel,
        "reviewer": "ada",
        "responses": (response(),),
        "created_at": NOW,
    }
    return PreviewRequest.model_validate({**values, **changes})


@pytest.fixture
def store(bundle: ReviewBundle) -> MemoryStore:
    store = MemoryStore(lambda: NOW)
    publish(store, bundle, FILES)
    return store


def test_a_worker_finds_the_question_and_the_page_its_answer(
    store: MemoryStore, bundle: ReviewBundle
) -> None:
    digest = request_preview(store, bundle, question(bundle))
    assert load_preview(store, bundle.request_id, bundle.digest, digest) is None
    (found,) = pending_previews(store, bundle)
    assert found == question(bundle)
    answer = Preview(
        request_id=bundle.request_id, bundle_sha256=bundle.digest, edits_sha256=digest,
        accuracy_before=0.7, accuracy_after=0.8, n_images=30, answered_at=NOW,
    )  # fmt: skip
    answer_preview(store, answer)
    assert load_preview(store, bundle.request_id, bundle.digest, digest) == answer
    assert pending_previews(store, bundle) == ()


def test_the_same_edits_are_asked_for_once_whoever_asks(
    store: MemoryStore, bundle: ReviewBundle
) -> None:
    request_preview(store, bundle, question(bundle))
    later = question(bundle, created_at=NOW + timedelta(minutes=1))
    request_preview(store, bundle, later)
    remarked = question(bundle, reviewer="bob", responses=(response(reason="the sea"),))
    request_preview(store, bundle, remarked)
    assert len(pending_previews(store, bundle)) == 1
    assert edits_digest(bundle.channel, bundle.digest, [response()]) != edits_digest(
        bundle.channel, bundle.digest, [response("carrier/k05")]
    )


def test_a_question_is_never_taken_for_an_answer(store: MemoryStore, bundle: ReviewBundle) -> None:
    request_preview(store, bundle, question(bundle))
    assert len(store.list(inbox_prefix(bundle.request_id))) == 1
    assert pending(store, bundle.request_id) == []


def test_edits_that_would_be_refused_are_not_asked_about(
    store: MemoryStore, bundle: ReviewBundle
) -> None:
    with pytest.raises(ContradictionError, match="not in the graph"):
        request_preview(store, bundle, question(bundle, responses=(response("carrier/k01"),)))
    with pytest.raises(BundleMismatchError, match="open the request again"):
        request_preview(store, bundle, question(bundle, bundle_sha256="0" * 64))
    assert not store.list(inbox_prefix(bundle.request_id))


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"type":"preview_request"}', b"[" * 5000, b" " * 300_000, b"\xff"],
)
def test_what_is_no_question_is_left_out(
    store: MemoryStore, bundle: ReviewBundle, data: bytes
) -> None:
    store.put(f"inbox/{bundle.request_id}/eve/previews/{'0' * 64}.json", data)
    assert pending_previews(store, bundle) == ()
    with pytest.raises(MalformedDocumentError):
        parse_preview_request(data)


def test_a_question_in_another_ones_inbox_is_left_out(
    store: MemoryStore, bundle: ReviewBundle
) -> None:
    asked = question(bundle)
    digest = edits_digest(bundle.channel, bundle.digest, asked.responses)
    store.put(f"inbox/{bundle.request_id}/eve/previews/{digest}.json", asked.to_json())
    assert pending_previews(store, bundle) == ()


def test_an_answer_to_other_edits_is_refused(store: MemoryStore, bundle: ReviewBundle) -> None:
    other = Preview(
        request_id=bundle.request_id, bundle_sha256=bundle.digest, edits_sha256="1" * 64,
        answered_at=NOW,
    )  # fmt: skip
    store.put(preview_answer_key(bundle.request_id, "2" * 64), other.to_json())
    with pytest.raises(BundleMismatchError, match="of these edits"):
        load_preview(store, bundle.request_id, bundle.digest, "2" * 64)
    assert json.loads(other.to_json())["failed"] == ""
