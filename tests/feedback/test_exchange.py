from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from feedback.bundle import ReviewBundle
from feedback.canonical import sha256_hex
from feedback.errors import (
    BundleMismatchError,
    ClosedRequestError,
    ContradictionError,
    DigestMismatchError,
    FeedbackError,
    IdentityError,
    MalformedDocumentError,
)
from feedback.exchange import (
    Decision,
    ReviewState,
    check_upload,
    decide_single,
    examine,
    list_requests,
    load_decision,
    load_rejections,
    pending,
    publish,
    record_decision,
    submit,
)
from feedback.layout import decision_key, inbox_prefix, rejection_key, upload_key
from feedback.store import LocalStore

EDGE = {"op": "remove_edge", "src": 0, "dst": 1}
FILES = {"concepts/a_k0.png": b"picture 0", "graph.png": b"picture 1"}
MakeDocument = Callable[..., bytes]


@pytest.fixture
def store(local_store: LocalStore, bundle: ReviewBundle) -> LocalStore:
    publish(local_store, bundle, FILES)
    return local_store


@pytest.mark.parametrize(
    ("verdict", "state", "approved"),
    [
        ("approve", ReviewState.APPROVED, True),
        ("reject", ReviewState.REJECTED, False),
        ("request_changes", ReviewState.CHANGES_REQUESTED, False),
    ],
)
def test_a_verdict_becomes_a_decision_that_reads_back(
    store: LocalStore,
    bundle: ReviewBundle,
    make_document: MakeDocument,
    verdict: str,
    state: ReviewState,
    approved: bool,
) -> None:
    data = make_document(verdict=verdict)
    key = submit(store, bundle.request_id, "u-5", "nonce-001", data)
    (upload,) = pending(store, bundle.request_id)
    checked = examine(store, bundle, upload)
    assert checked is not None
    decision = decide_single(store, bundle, checked)
    assert load_decision(store, bundle.request_id) == decision
    assert (decision.state, decision.is_approved) == (state, approved)
    (response,) = decision.responses
    assert (response.key, response.sha256) == (key, sha256_hex(data))


def test_an_open_request_has_no_decision(store: LocalStore, bundle: ReviewBundle) -> None:
    assert load_decision(store, bundle.request_id) is None


def test_a_request_is_decided_once(
    store: LocalStore, bundle: ReviewBundle, make_document: MakeDocument
) -> None:
    approve = check_upload(bundle, make_document())
    refuse = check_upload(bundle, make_document(verdict="reject", nonce="nonce-002"))
    first = decide_single(store, bundle, approve)
    assert decide_single(store, bundle, approve) == first
    with pytest.raises(ClosedRequestError, match="APPROVED since"):
        decide_single(store, bundle, refuse)
    assert load_decision(store, bundle.request_id) == first


def test_many_watchers_make_one_decision(
    store: LocalStore, bundle: ReviewBundle, make_document: MakeDocument
) -> None:
    answers = [
        check_upload(bundle, make_document(verdict=verdict, nonce=f"nonce-{verdict}"))
        for verdict in ("approve", "reject", "request_changes")
    ] * 4

    def decide(number: int) -> Decision | None:
        try:
            return decide_single(store, bundle, answers[number])
        except ClosedRequestError:
            return None

    with ThreadPoolExecutor(8) as pool:
        made = {d.digest for d in pool.map(decide, range(len(answers))) if d is not None}
    standing = load_decision(store, bundle.request_id)
    assert standing is not None
    assert made == {standing.digest}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"request_id": "another"}, BundleMismatchError),
        ({"bundle_sha256": "0" * 64}, BundleMismatchError),
        ({"channel": "saliency_grid"}, BundleMismatchError),
        ({"reviewer": "u-6"}, IdentityError),
        ({"nonce": "nonce-002"}, IdentityError),
        ({"surprise": 1}, MalformedDocumentError),
    ],
)
def test_a_refused_upload_gets_its_reason_and_leaves_the_request_open(
    store: LocalStore,
    bundle: ReviewBundle,
    make_document: MakeDocument,
    changes: dict[str, object],
    kind: type[FeedbackError],
) -> None:
    data = make_document(**changes)
    key = submit(store, bundle.request_id, "u-5", "nonce-001", data)
    (upload,) = pending(store, bundle.request_id)
    assert examine(store, bundle, upload) is None
    (rejection,) = load_rejections(store, bundle.request_id)
    assert rejection.kind == kind.__name__
    assert (rejection.key, rejection.sha256) == (key, sha256_hex(data))
    assert store.exists(rejection_key(bundle.request_id, key))
    assert pending(store, bundle.request_id) == []
    assert load_decision(store, bundle.request_id) is None


@pytest.mark.parametrize(
    "name", ["stray.json", "u-5/short.json", "u-5/deep/nonce-001.json", "u 5/nonce-001.json",
             "u-5/nonce-001.json.exe", "träger/nonce-001.json"]
)  # fmt: skip
def test_an_upload_outside_the_layout_is_refused_unread(
    store: LocalStore, bundle: ReviewBundle, make_document: MakeDocument, name: str
) -> None:
    store.put(inbox_prefix(bundle.request_id) + name, make_document())
    (upload,) = pending(store, bundle.request_id)
    assert examine(store, bundle, upload) is None
    (rejection,) = load_rejections(store, bundle.request_id)
    assert (rejection.kind, rejection.sha256) == ("MalformedDocumentError", None)
    assert pending(store, bundle.request_id) == []


def test_a_large_upload_is_refused_unread(store: LocalStore, bundle: ReviewBundle) -> None:
    store.put(upload_key(bundle.request_id, "u-5", "nonce-001"), b" " * 300_000)
    assert examine(store, bundle, pending(store, bundle.request_id)[0]) is None
    (rejection,) = load_rejections(store, bundle.request_id)
    assert "at most 262144 bytes" in rejection.reason


def test_a_flaw_in_judging_fails_closed(
    store: LocalStore,
    bundle: ReviewBundle,
    make_document: MakeDocument,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def flawed(*arguments: object) -> tuple[str, ...]:
        raise ZeroDivisionError

    monkeypatch.setattr("feedback.channels.concept_graph.validate_response", flawed)
    submit(store, bundle.request_id, "u-5", "nonce-001", make_document())
    assert examine(store, bundle, pending(store, bundle.request_id)[0]) is None
    (rejection,) = load_rejections(store, bundle.request_id)
    assert "ZeroDivisionError" in rejection.reason


def test_one_reviewers_rejection_does_not_hide_anothers_upload(
    store: LocalStore, bundle: ReviewBundle, make_document: MakeDocument
) -> None:
    submit(store, bundle.request_id, "mallory", "nonce-001", b"{}")
    examine(store, bundle, pending(store, bundle.request_id)[0])
    submit(store, bundle.request_id, "u-5", "nonce-001", make_document())
    (upload,) = pending(store, bundle.request_id)
    assert examine(store, bundle, upload) is not None


def test_the_same_document_may_be_handed_in_twice_another_may_not(
    store: LocalStore, bundle: ReviewBundle, make_document: MakeDocument
) -> None:
    request = bundle.request_id
    first = submit(store, request, "u-5", "nonce-001", make_document())
    assert submit(store, request, "u-5", "nonce-001", make_document()) == first
    with pytest.raises(ContradictionError, match="take a new one"):
        submit(store, request, "u-5", "nonce-001", make_document(comment="no"))


@pytest.mark.parametrize(
    ("reviewer", "nonce", "data"),
    [("../u", "nonce-001", b""), ("u/5", "nonce-001", b""), ("u-5", "n", b""),
     ("u-5", "nonce-001", b"x" * 262_145)],
)  # fmt: skip
def test_what_could_not_be_judged_is_not_handed_in(
    store: LocalStore, bundle: ReviewBundle, reviewer: str, nonce: str, data: bytes
) -> None:
    with pytest.raises(MalformedDocumentError):
        submit(store, bundle.request_id, reviewer, nonce, data)
    assert pending(store, bundle.request_id) == []


def test_a_decided_request_takes_nothing_more(
    store: LocalStore, bundle: ReviewBundle, make_document: MakeDocument
) -> None:
    submit(store, bundle.request_id, "u-6", "nonce-006", make_document())
    decide_single(store, bundle, check_upload(bundle, make_document()))
    with pytest.raises(ClosedRequestError):
        submit(store, bundle.request_id, "u-5", "nonce-001", make_document())
    assert examine(store, bundle, pending(store, bundle.request_id)[0]) is None
    assert load_rejections(store, bundle.request_id)[0].kind == "ClosedRequestError"


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"REJECTED"', b'"APPROVED"'), (b'"sequence":1', b'"sequence":2'), (b"}", b"} "),
     (b'"request_id":"concept', b'"request_id":"c0ncept')],
)  # fmt: skip
def test_a_decision_for_something_else_or_of_other_form_is_found(
    store: LocalStore,
    bundle: ReviewBundle,
    make_document: MakeDocument,
    old: bytes,
    new: bytes,
) -> None:
    decide_single(store, bundle, check_upload(bundle, make_document(verdict="reject")))
    key = decision_key(bundle.request_id, 1)
    data = store.get(key)
    assert old in data
    store.put(key, data.replace(old, new))
    with pytest.raises(DigestMismatchError):
        load_decision(store, bundle.request_id)


def test_requests_are_listed_with_their_state(
    store: LocalStore, bundle: ReviewBundle, make_document: MakeDocument
) -> None:
    submit(store, bundle.request_id, "u-5", "nonce-001", make_document())
    (summary,) = list_requests(store)
    assert (summary.state, summary.n_pending) == (ReviewState.OPEN, 1)
    assert summary.titles == ("carrier", "tank", "Flugzeugträger")
    record_decision(store, bundle, ReviewState.WITHDRAWN, policy="single", reason="not needed")
    (summary,) = list_requests(store)
    assert (summary.state, summary.n_pending) == (ReviewState.WITHDRAWN, 0)
    assert list_requests(store, ReviewState.OPEN) == []
