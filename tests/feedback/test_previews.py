import json
from datetime import datetime, timedelta

import pytest

from feedback.bundle import ReviewBundle
from feedback.decision import ReviewState
from feedback.errors import BundleMismatchError, ContradictionError, MalformedDocumentError
from feedback.fields import JsonObject
from feedback.inbox import pending
from feedback.layout import inbox_prefix, preview_answer_key, preview_request_key
from feedback.policy import Policy
from feedback.preview_queue import PreviewQueue
from feedback.previews import (
    Preview,
    PreviewRequest,
    answer_preview,
    edits_digest,
    load_preview,
    parse_preview_request,
    request_preview,
)
from feedback.publishing import publish
from feedback.recording import record_decision
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


def waiting(store: MemoryStore, now: datetime = NOW) -> list[PreviewRequest]:
    return [question for _, question in PreviewQueue(store).waiting(now)]


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


def answer(bundle: ReviewBundle, digest: str, **changes: object) -> Preview:
    values = {
        "request_id": bundle.request_id, "bundle_sha256": bundle.digest, "edits_sha256": digest,
        "accuracy_before": 0.7, "accuracy_after": 0.8, "n_images": 30, "answered_at": NOW,
    }  # fmt: skip
    return Preview.model_validate({**values, **changes})


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
    (found,) = waiting(store)
    assert found == question(bundle)
    told = answer(bundle, digest)
    answer_preview(store, told)
    assert load_preview(store, bundle.request_id, bundle.digest, digest) == told
    assert waiting(store) == []


def test_the_same_edits_are_asked_for_once_whoever_asks(
    store: MemoryStore, bundle: ReviewBundle
) -> None:
    request_preview(store, bundle, question(bundle))
    later = question(bundle, created_at=NOW + timedelta(minutes=1))
    request_preview(store, bundle, later)
    remarked = question(bundle, reviewer="bob", responses=(response(reason="the sea"),))
    request_preview(store, bundle, remarked)
    queue = PreviewQueue(store).waiting(NOW)
    _, first = next(queue)
    digest = edits_digest(bundle.channel, bundle.digest, first.responses)
    answer_preview(store, answer(bundle, digest))
    # The other one asked the same, and is answered by that.
    assert list(queue) == []
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
    assert waiting(store) == []
    with pytest.raises(MalformedDocumentError):
        parse_preview_request(data)


def test_a_question_in_another_ones_inbox_is_left_out(
    store: MemoryStore, bundle: ReviewBundle
) -> None:
    asked = question(bundle)
    digest = edits_digest(bundle.channel, bundle.digest, asked.responses)
    store.put(f"inbox/{bundle.request_id}/eve/previews/{digest}.json", asked.to_json())
    assert waiting(store) == []


def test_an_answer_to_other_edits_is_refused(store: MemoryStore, bundle: ReviewBundle) -> None:
    other = Preview(
        request_id=bundle.request_id, bundle_sha256=bundle.digest, edits_sha256="1" * 64,
        answered_at=NOW,
    )  # fmt: skip
    store.put(preview_answer_key(bundle.request_id, "2" * 64), other.to_json())
    with pytest.raises(BundleMismatchError, match="of these edits"):
        load_preview(store, bundle.request_id, bundle.digest, "2" * 64)
    assert json.loads(other.to_json())["failed"] == ""


def test_the_first_result_stands_and_a_result_takes_the_place_of_a_failure(
    store: MemoryStore, bundle: ReviewBundle
) -> None:
    digest = "2" * 64
    failed = answer(bundle, digest, failed="the dataset is not here")
    first, second = answer(bundle, digest), answer(bundle, digest, accuracy_after=0.1)
    for written, stands in ((failed, failed), (first, first), (second, first), (failed, first)):
        answer_preview(store, written)
        assert load_preview(store, bundle.request_id, bundle.digest, digest) == stands
    store.put(preview_answer_key(bundle.request_id, digest), b"{}")
    answer_preview(store, second)
    assert load_preview(store, bundle.request_id, bundle.digest, digest) == second


def test_a_failure_is_asked_about_again_once_for_every_asking(bundle: ReviewBundle) -> None:
    clock = [NOW]
    store = MemoryStore(lambda: clock[0])
    publish(store, bundle, FILES)

    def later() -> None:
        clock[0] += timedelta(seconds=5)

    for _ in range(2):
        digest = request_preview(store, bundle, question(bundle))
        assert len(waiting(store)) == 1
        later()
        answer_preview(store, answer(bundle, digest, failed="the dataset is not here"))
        assert waiting(store) == []
        later()
    request_preview(store, bundle, question(bundle))
    later()
    answer_preview(store, answer(bundle, digest))
    later()
    before = dict(store.objects)
    request_preview(store, bundle, question(bundle))
    assert store.objects == before
    assert waiting(store) == []


def test_where_clocks_count_seconds_a_failure_is_tried_again_at_most_once(
    bundle: ReviewBundle,
) -> None:
    clock = [NOW]
    store = MemoryStore(lambda: clock[0])
    publish(store, bundle, FILES)
    digest = request_preview(store, bundle, question(bundle))
    failed = answer(bundle, digest, failed="the dataset is not here")
    answer_preview(store, failed)
    assert len(waiting(store)) == 1
    clock[0] += timedelta(seconds=1)
    answer_preview(store, failed)
    assert waiting(store) == []


def test_one_who_asks_often_does_not_keep_the_others_waiting(
    store: MemoryStore, bundle: ReviewBundle
) -> None:
    for number in (3, 5):
        edits = (response(f"carrier/k0{number}"),)
        request_preview(store, bundle, question(bundle, reviewer="ada", responses=edits))
    for name in "abcde":
        store.put(preview_request_key(bundle.request_id, "eve", name * 64), b"{}")
    removed = response() | {"ops": [{"op": "remove_edge", "src": 0, "dst": 1}]}
    request_preview(store, bundle, question(bundle, reviewer="zoe", responses=(removed,)))
    assert [asked.reviewer for asked in waiting(store)] == ["ada", "zoe", "ada"]


def test_what_is_no_question_is_read_once(
    store: MemoryStore, bundle: ReviewBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = preview_request_key(bundle.request_id, "eve", "0" * 64)
    store.put(key, b"{}")
    read, get = [], store.get
    monkeypatch.setattr(store, "get", lambda key, **limits: read.append(key) or get(key, **limits))
    queue = PreviewQueue(store)
    for _ in range(3):
        assert list(queue.waiting(NOW)) == []
    assert read.count(key) == 1


@pytest.mark.parametrize("how", ["decided", "late", "unknown", "another's"])
def test_questions_on_what_takes_no_answers_are_left_alone(
    store: MemoryStore, bundle: ReviewBundle, how: str
) -> None:
    late = bundle.model_copy(update={"deadline": NOW + timedelta(hours=1)})
    if how == "late":
        store.objects.clear()
        publish(store, late, FILES)
    shown = late if how == "late" else bundle
    request_preview(store, shown, question(shown, reviewer="ada"))
    assert len(waiting(store)) == 1
    if how == "decided":
        record_decision(store, bundle, ReviewState.WITHDRAWN, policy="single")
    if how == "unknown":
        store.delete(f"reviews/{bundle.request_id}/manifest.json")
    only = "concept_graph-other" if how == "another's" else None
    assert list(PreviewQueue(store, only).waiting(NOW + timedelta(hours=1))) == []


def test_questions_are_answered_as_long_as_answers_are_taken(
    store: MemoryStore, bundle: ReviewBundle
) -> None:
    policy = Policy.model_validate(
        {"name": "p", "roles": {"ml": {}}, "at_expiry": "escalate", "extension_hours": 2}
    )
    store.objects.clear()
    late = bundle.model_copy(update={"deadline": NOW + timedelta(hours=1)})
    publish(store, late, FILES)
    request_preview(store, late, question(late, reviewer="ada"))
    queue = PreviewQueue(store, policy=policy)
    assert len(list(queue.waiting(NOW + timedelta(hours=2.9)))) == 1
    assert list(queue.waiting(NOW + timedelta(hours=3))) == []
