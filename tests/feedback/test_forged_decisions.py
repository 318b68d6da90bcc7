"""Decisions that were not made as they say, refused by whoever reads or enters them."""

import pytest

from feedback.answer import Seat
from feedback.errors import DigestMismatchError
from feedback.exchange import load_decision
from feedback.layout import decision_key
from feedback.policy import single_policy
from feedback.reviewers import revoke
from tests.feedback.memory import MemoryStore
from tests.feedback.people import PAIR, Office, step


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"state":"CHANGES_REQUESTED"', b'"state":"APPROVED"'),
        (b'"state":"CHANGES_REQUESTED"', b'"state":"PARTIAL"'),
        (b'"verdict":"request_changes"', b'"verdict":"approve"'),
        (b'"policy":"pair"', b'"policy":"single"'),
    ],
)
def test_a_decision_that_its_policy_does_not_give_is_refused_and_not_entered(
    office: Office, old: bytes, new: bytes
) -> None:
    office.upload(
        "ada", "nonce-0001", office.signed("ada", "nonce-0001", verdict="request_changes")
    )
    step(office)
    key = decision_key(office.bundle.request_id, 1)
    data = office.store.get(key)
    assert old in data
    forged = MemoryStore(office.store.now)
    forged.objects = {
        name: value for name, value in office.store.objects.items() if "audit" not in name
    }
    forged.put(key, data.replace(old, new))
    report = step(office, store=forged)
    ((request_id, told),) = report.problems
    assert request_id == office.bundle.request_id
    assert "as it was written" in told
    assert report.entries == 0


def test_a_decision_that_names_others_than_it_was_made_of_is_refused(office: Office) -> None:
    office.upload("ada", "nonce-0001")
    office.upload("bob", "nonce-0001")
    step(office)
    key = decision_key(office.bundle.request_id, 1)
    data = office.store.get(key)
    assert b'"joined":["ada","bob"]' in data
    office.store.put(key, data.replace(b'"joined":["ada","bob"]', b'"joined":["ada"]'))
    with pytest.raises(DigestMismatchError, match="a state that its responses do not give"):
        load_decision(office.store, office.bundle.request_id)
    # Decisions of earlier versions do not say, and are as good.
    office.store.put(key, data.replace(b'"joined":["ada","bob"],', b""))
    earlier = load_decision(office.store, office.bundle.request_id)
    assert earlier is not None
    assert earlier.is_approved
    assert earlier.joined == ()


def test_an_approval_by_roles_that_are_no_quorum_is_refused(office: Office) -> None:
    office.upload("ada", "nonce-0001")
    office.upload("bob", "nonce-0001")
    step(office)
    key = decision_key(office.bundle.request_id, 1)
    office.store.put(key, office.store.get(key).replace(b'"role":"ml"', b'"role":"domain"'))
    with pytest.raises(DigestMismatchError, match="a state that its responses do not give"):
        load_decision(office.store, office.bundle.request_id)


def test_who_can_write_decisions_cannot_make_one_up(office: Office) -> None:
    """Everything fits but the signatures: another document, and another reviewer's key."""
    office.upload("ada", "nonce-0001")
    office.upload("bob", "nonce-0001")
    (made,) = step(office).decisions
    ada, bob = made.responses
    assert ada.signature is not None
    mallory = office.document("eve", "nonce-0009")
    changed = ada.document.model_copy(update={"comment": "x"})
    forgeries = [
        (ada.model_copy(update={"document": changed}), bob),
        (ada, bob.model_copy(update={"signature": ada.signature})),
        (ada, bob.model_copy(update={"signature": None})),
        (ada.model_copy(update={"document": mallory}), bob),
        (ada.model_copy(update={"seats": (Seat(role="ml"),)}),
         bob.model_copy(update={"seats": (Seat(role="domain"),)})),
    ]  # fmt: skip
    key = decision_key(office.bundle.request_id, 1)
    for responses in forgeries:
        office.store.put(key, made.model_copy(update={"responses": responses}).to_json())
        with pytest.raises(DigestMismatchError, match="a state that its responses do not give"):
            load_decision(office.store, office.bundle.request_id)
    office.store.put(key, made.to_json())
    # What was decided stands when its people leave afterwards.
    for name in ("ada", "bob"):
        revoke(office.store, name, now=office.now, why="left")
    assert load_decision(office.store, office.bundle.request_id) == made


def test_a_decision_by_a_rule_that_the_reader_does_not_trust_is_refused(office: Office) -> None:
    office.upload("zoe", "nonce-0001", office.document("zoe", "nonce-0001").to_json())
    (made,) = step(office, single_policy()).decisions
    request = office.bundle.request_id
    assert load_decision(office.store, request) == made
    assert load_decision(office.store, request, policies=[PAIR, single_policy()]) == made
    with pytest.raises(DigestMismatchError, match="by one of the policies pair"):
        load_decision(office.store, request, policies=[PAIR])
