"""What became of an approved request, as it is read afterwards."""

import json

import pytest

from feedback.decision import Decision
from feedback.errors import DigestMismatchError
from feedback.exchange import check_upload, decide_single, publish
from feedback.layout import decision_key
from feedback.recording import load_decision, record_transition
from feedback.states import ReviewState
from tests.review_request import FILES, NOW

OPS = [{"op": "replace_concept", "slot": 0, "from": "carrier/k00", "to": "carrier/k03"}]


@pytest.fixture
def approved(local_store, bundle, make_document) -> Decision:
    publish(local_store, bundle, FILES)
    upload = check_upload(bundle, make_document(OPS))
    return decide_single(local_store, bundle, upload, now=NOW)


def test_a_promoted_request_still_tells_what_was_approved(local_store, bundle, approved):
    """The same run again acts on the latest decision, and must come to the same end."""
    assert approved.edits
    record_transition(local_store, bundle.request_id, ReviewState.PROMOTED, now=NOW)
    latest = load_decision(local_store, bundle.request_id)
    assert latest.state is ReviewState.PROMOTED
    assert latest.is_approved
    assert latest.edits == approved.edits


@pytest.mark.parametrize("later", [ReviewState.STALE, ReviewState.REVOKED])
def test_nothing_goes_on_from_a_stale_or_revoked_request(local_store, bundle, approved, later):
    if later is ReviewState.REVOKED:
        record_transition(local_store, bundle.request_id, ReviewState.PROMOTED, now=NOW)
    record_transition(local_store, bundle.request_id, later, now=NOW)
    latest = load_decision(local_store, bundle.request_id)
    assert not latest.is_approved
    assert latest.edits == ()


@pytest.mark.parametrize("slot", [None, 1])
def test_a_promotion_of_other_edits_than_those_approved_is_found(
    local_store, bundle, approved, slot
):
    record_transition(local_store, bundle.request_id, ReviewState.PROMOTED, now=NOW)
    key = decision_key(bundle.request_id, 2)
    written = json.loads(local_store.get(key))
    if slot is None:
        del written["agreed"]
    else:
        written["agreed"][0]["ops"][0]["slot"] = slot
    forged = Decision.model_validate_json(json.dumps(written), strict=True)
    local_store.put(key, forged.to_json())
    with pytest.raises(DigestMismatchError, match="other edits"):
        load_decision(local_store, bundle.request_id)
