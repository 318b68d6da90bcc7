"""Which request a run asks: the one that stands, or another round when its time has passed."""

import pytest

from feedback.bundle import BaseVersion, parse_bundle
from feedback.exchange import check_upload, decide_single
from feedback.opening import is_current, open_request
from feedback.policy import single_policy
from feedback.recording import load_decision, record_decision, record_transition
from feedback.states import ReviewState
from tests.review_request import FILES, NOW, make_bundle

ONE, TWO = (BaseVersion(name="parley", version=v, digest=v * 64) for v in "12")
FIRST = BaseVersion(name="parley", version="1", digest="d" * 64)


@pytest.fixture
def ask(local_store):
    def opened(base):
        return open_request(
            local_store, make_bundle(), FILES, base=base, policies=[single_policy()], now=NOW
        )

    return opened


def approve(store, bundle, make_document):
    data = make_document(request_id=bundle.request_id, bundle_sha256=bundle.digest)
    return decide_single(store, bundle, check_upload(bundle, data), now=NOW)


def test_a_manifest_without_a_champion_is_the_bytes_that_it_was(local_store, ask):
    bundle = make_bundle()
    assert b'"base":' not in bundle.to_json()
    assert ask(None) == bundle
    assert parse_bundle(bundle.to_json(), bundle.request_id) == bundle


def test_the_champion_is_told_but_names_no_other_request(ask):
    assert (ask(ONE).request_id, ask(ONE).base) == (make_bundle().request_id, ONE)


@pytest.mark.parametrize(
    ("base", "champion", "is_good"),
    [
        (None, None, True),
        # The network that was explained became the first champion meanwhile.
        (None, FIRST, True),
        (None, ONE, False),
        (ONE, ONE, True),
        (ONE, ONE.model_copy(update={"request_id": "another"}), True),
        (ONE, TWO, False),
        (ONE, None, False),
    ],
)
def test_a_request_is_good_for_the_champion_that_it_names(base, champion, is_good):
    assert is_current(_with(base), champion) is is_good


def test_a_request_is_good_for_the_champion_that_it_made():
    bundle = _with(ONE)
    assert is_current(bundle, TWO.model_copy(update={"request_id": bundle.request_id}))


@pytest.mark.parametrize("state", [ReviewState.PROMOTED, ReviewState.STALE])
def test_an_approval_for_a_champion_of_before_asks_anew(local_store, ask, make_document, state):
    first = ask(ONE)
    approve(local_store, first, make_document)
    record_transition(local_store, first.request_id, state, now=NOW)
    second = ask(TWO)
    assert (second.round, second.base) == (2, TWO)
    assert load_decision(local_store, first.request_id).state is state
    # Once more, and by another run: the same open request.
    assert ask(TWO) == second


def test_an_expired_request_is_asked_again_by_the_next_run(local_store, ask):
    first = ask(ONE)
    record_decision(local_store, first, ReviewState.EXPIRED, policy=single_policy(), now=NOW)
    assert ask(ONE).round == 2


@pytest.mark.parametrize("champion", [ONE, TWO])
def test_a_rejection_stands_whatever_is_champion(local_store, ask, make_document, champion):
    first = ask(ONE)
    data = make_document(request_id=first.request_id, bundle_sha256=first.digest, verdict="reject")
    decide_single(local_store, first, check_upload(first, data), now=NOW)
    assert ask(champion) == first


def test_an_answer_at_the_moment_of_withdrawing_is_not_lost(
    local_store, ask, make_document, monkeypatch
):
    first = ask(ONE)
    from feedback import opening

    real = opening.record_decision

    def late(store, bundle, state, **rest):
        approve(store, bundle, make_document)
        return real(store, bundle, state, **rest)

    monkeypatch.setattr(opening, "record_decision", late)
    assert ask(TWO).round == 2
    # It was approved a moment too late, and that is what stands on it.
    assert load_decision(local_store, first.request_id).state is ReviewState.STALE


def test_a_run_that_may_not_decide_leaves_the_outdated_request_and_asks_anew(
    local_store, ask, monkeypatch, caplog
):
    from feedback import opening
    from feedback.errors import StoreError

    def refused(*args, **rest):
        raise StoreError("expected to write 'decisions/r/0001.json' (got AccessDenied)")

    first = ask(ONE)
    monkeypatch.setattr(opening, "record_decision", refused)
    assert ask(TWO).round == 2
    assert load_decision(local_store, first.request_id) is None
    assert f"{first.request_id} is outdated and cannot be withdrawn" in caplog.text


def _with(base):
    return make_bundle().model_copy(update={"base": base})
