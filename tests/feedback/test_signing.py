import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from feedback.answer import Seat
from feedback.document import FeedbackDocument
from feedback.errors import FeedbackError, IdentityError, ReplayError, ReviewerError, SignatureError
from feedback.identity import identify
from feedback.policy import Policy, signed_policy, single_policy
from feedback.reviewers import Registry, ReviewerRecord, load_registry, revoke
from feedback.signing import (
    Signature,
    generate_key,
    is_signed_by,
    load_key,
    save_key,
    sign_document,
)
from feedback.upload import Upload, parse_upload
from tests.feedback.people import PAIR, Office
from tests.review_request import NOW


@pytest.fixture(scope="module")
def office() -> Office:
    return Office()


def seats(
    office: Office, data: bytes, policy: Policy = PAIR, registry: Registry | None = None
) -> tuple[Seat, ...]:
    upload = parse_upload(data)
    return identify(
        upload.document,
        upload.signature,
        arrived_at=office.now,
        registry=registry or load_registry(office.store),
        policy=policy,
    )


def test_a_signature_covers_every_field(office: Office) -> None:
    document = office.document("ada", "nonce-0001", comment="as shown", seconds_spent=3.5)
    key = office.keys["ada"]
    signature = sign_document(document, key, signed_at=NOW)
    assert is_signed_by(document, signature, key.public_key)
    others: dict[str, object] = {
        "request_id": "r-2", "bundle_sha256": "0" * 64, "channel": "c", "reviewer": "bob",
        "nonce": "nonce-0002", "verdict": "reject", "responses": ({"a": 1},), "comment": "",
        "created_at": NOW + timedelta(seconds=1), "seconds_spent": None,
        "seconds_by_item": {"carrier": 2.5},
    }  # fmt: skip
    assert set(others) == set(FeedbackDocument.model_fields) - {"schema_version"}
    for name, value in others.items():
        assert not is_signed_by(
            document.model_copy(update={name: value}), signature, key.public_key
        ), name
    stated: dict[str, object] = {
        "key_id": "0" * 64, "signed_at": NOW + timedelta(seconds=1), "attested_by": "page",
        "identity": "ada", "value": "A" * 86 + "==",
    }  # fmt: skip
    assert set(stated) == set(Signature.model_fields) - {"algorithm"}
    for name, value in stated.items():
        assert not is_signed_by(
            document, signature.model_copy(update={name: value}), key.public_key
        ), name


def test_a_signature_has_one_spelling(office: Office) -> None:
    document = office.document("ada", "nonce-0001")
    key = office.keys["ada"]
    signature = sign_document(document, key, signed_at=NOW)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twin = letters[letters.index(signature.value[85]) ^ 1]
    respelled = signature.model_copy(update={"value": signature.value[:85] + twin + "=="})
    assert not is_signed_by(document, respelled, key.public_key)


def test_own_and_page_keys_give_the_seats_that_may_use_them(office: Office) -> None:
    assert seats(office, office.signed("ada", "nonce-0001")) == (Seat(role="domain"),)
    assert seats(office, office.signed("ada", "nonce-0001", page=True)) == (Seat(role="domain"),)
    assert seats(office, office.signed("bob", "nonce-0001")) == (Seat(role="ml"),)
    with pytest.raises(SignatureError, match="the page's key"):
        seats(office, office.signed("bob", "nonce-0001", page=True))
    # Of two roles only the one that takes the page's word.
    assert seats(office, office.signed("eve", "nonce-0001", page=True)) == (Seat(role="domain"),)


def test_an_unsigned_answer_needs_a_policy_that_says_so(office: Office) -> None:
    bare = office.document("ada", "nonce-0001").to_json()
    with pytest.raises(SignatureError, match="no signature"):
        seats(office, bare)
    assert seats(office, bare, single_policy()) == (Seat(role="reviewer"),)
    with pytest.raises(IdentityError, match="without one"):
        seats(office, bare, signed_policy())


def refusal(office: Office, data: bytes, **changes: object) -> FeedbackError:
    with pytest.raises(FeedbackError) as caught:
        seats(office, data, **changes)  # type: ignore[arg-type]
    message = str(caught.value)
    assert message.startswith("expected ")
    assert "(got " in message
    return caught.value


def test_forgeries_are_refused() -> None:
    office = Office()
    signed = office.signed("ada", "nonce-0001")
    # By another reviewer's key, or one that nobody enrolled.
    assert isinstance(refusal(office, office.signed("ada", "nonce-0001", by="bob")), SignatureError)
    office.keys["mallory"] = generate_key()
    assert isinstance(
        refusal(office, office.signed("ada", "nonce-0001", by="mallory")), SignatureError
    )
    assert isinstance(refusal(office, office.signed("mallory", "nonce-0001")), IdentityError)
    # Changed after it was signed.
    assert b'"verdict":"approve"' in signed
    changed = signed.replace(b'"verdict":"approve"', b'"verdict":"reject"')
    assert isinstance(refusal(office, changed), SignatureError)
    # A person who says to be a page, a page that answers, a page's claim for another one.
    claim = signed.replace(b'"attested_by":null', b'"attested_by":"bob"')
    claim = claim.replace(b'"identity":null', b'"identity":"ada"')
    assert isinstance(refusal(office, claim), IdentityError)
    assert isinstance(refusal(office, office.signed("page", "nonce-0001")), IdentityError)
    vouched = office.signed("ada", "nonce-0001", page=True)
    other = vouched.replace(b'"identity":"ada"', b'"identity":"bob"')
    assert isinstance(refusal(office, other), IdentityError)
    # A reviewer's own signature that names an identity on top.
    named = signed.replace(b'"identity":null', b'"identity":"ada"')
    assert isinstance(refusal(office, named), IdentityError)
    # The page's signature without its name is a stranger's key.
    nameless = vouched.replace(b'"attested_by":"page"', b'"attested_by":null')
    nameless = nameless.replace(b'"identity":"ada"', b'"identity":null')
    assert isinstance(refusal(office, nameless), SignatureError)


@pytest.mark.parametrize(
    ("late", "is_taken"),
    [(0, True), (86_399, True), (86_401, False), (-299, True), (-301, False)],
)
def test_a_signature_counts_within_the_clock_window(
    office: Office, late: float, is_taken: bool
) -> None:
    data = office.signed("ada", "nonce-0001", late=late)
    if is_taken:
        assert seats(office, data)
    else:
        assert isinstance(refusal(office, data), ReplayError)


def test_revoked_keys_people_and_pages_sign_nothing_more() -> None:
    office = Office()
    data = office.signed("ada", "nonce-0001")
    vouched = office.signed("ada", "nonce-0001", page=True)
    key_id = office.keys["ada"].key_id
    revoke(office.store, "ada", now=NOW, why="lost", key_id=key_id[:12])
    assert "revoked" in str(refusal(office, data))
    assert seats(office, vouched)
    revoke(office.store, "page", now=NOW, why="broken into")
    assert isinstance(refusal(office, vouched), SignatureError)
    revoke(office.store, "ada", now=NOW, why="left")
    bare = office.document("ada", "nonce-0001").to_json()
    assert "taken off" in str(refusal(office, bare, policy=single_policy()))
    with pytest.raises(ReviewerError, match="taken off"):
        office.enrol("ada", ("domain",))


def test_a_delegate_speaks_for_the_absent_until_the_day() -> None:
    office = Office()
    away = {"from": "bob", "to": "dan", "since": NOW, "until": NOW + timedelta(days=1)}
    policy = Policy.model_validate({**PAIR.model_dump(), "delegates": [away]})
    data = office.signed("dan", "nonce-0001")
    assert seats(office, data, policy) == (Seat(role="ml", on_behalf_of="bob"),)
    # The absent one's role keeps its rule: the page's word is not enough for it.
    assert isinstance(
        refusal(office, office.signed("dan", "nonce-0001", page=True), policy=policy),
        SignatureError,
    )
    for days in (-1, 1):
        office.now = NOW + timedelta(days=days)
        data = office.signed("dan", "nonce-0001")
        assert isinstance(refusal(office, data, policy=policy), IdentityError)
    office.now = NOW
    revoke(office.store, "bob", now=NOW, why="left")
    data = office.signed("dan", "nonce-0001")
    assert isinstance(refusal(office, data, policy=policy), IdentityError)


def test_named_approvers_are_the_only_ones() -> None:
    office = Office()
    policy = Policy.model_validate({"name": "named", "roles": {"domain": {"approvers": ["ada"]}}})
    assert seats(office, office.signed("ada", "nonce-0001"), policy)
    assert isinstance(
        refusal(office, office.signed("eve", "nonce-0001"), policy=policy), IdentityError
    )
    # To be named is not enough: the role comes from enrolment.
    named = Policy.model_validate({"name": "n", "roles": {"domain": {"approvers": ["bob"]}}})
    assert isinstance(
        refusal(office, office.signed("bob", "nonce-0001"), policy=named), IdentityError
    )


def test_a_key_is_written_for_its_owner_alone_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "ada.key"
    key = generate_key()
    previous = os.umask(0)
    try:
        save_key(key, path)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_key(path).key_id == key.key_id
    assert "PRIVATE" not in repr(key)
    with pytest.raises(ReviewerError, match="another file"):
        save_key(generate_key(), path)
    path.chmod(0o640)
    with pytest.raises(ReviewerError, match="chmod 600"):
        load_key(path)
    (tmp_path / "text").touch(mode=0o600)
    with pytest.raises(ReviewerError, match="Ed25519"):
        load_key(tmp_path / "text")
    with pytest.raises(ReviewerError, match="check the path"):
        load_key(tmp_path / "none")


def test_names_that_differ_by_capitals_are_one_name() -> None:
    office = Office()
    with pytest.raises(ReviewerError, match="capitals"):
        office.enrol("Ada", ("ml",))
    with pytest.raises(ReviewerError, match="enrolled page"):
        office.enrol("ada", (), kind="page")


def test_roles_and_keys_are_added_to_those_that_stand() -> None:
    office = Office()
    old = office.keys.pop("ada")
    office.enrol("ada", ("ml",))
    record = load_registry(office.store)["ada"]
    assert record.roles == ("domain", "ml")
    assert [key.key_id for key in record.keys] == [old.key_id, office.keys["ada"].key_id]


def test_a_record_that_was_changed_makes_its_reviewer_unknown() -> None:
    office = Office()
    data = office.store.get("reviewers/ada.json")
    office.store.put("reviewers/ada.json", data.replace(b'"domain"', b'"domain" '))
    office.store.put("reviewers/bob.json", data)
    office.store.put("reviewers/x.json", b"[]")
    assert {"ada", "bob", "x"}.isdisjoint(load_registry(office.store))


def test_a_key_that_is_none_is_not_enrolled(office: Office) -> None:
    record = load_registry(office.store)["ada"].model_dump(mode="json")
    for public_key in ("A" * 43 + "=", "B" * 43 + "="):
        wrong = {**record, "keys": [{**record["keys"][0], "public_key": public_key}]}
        with pytest.raises(ValueError, match=r"digest of public_key|32 bytes"):
            ReviewerRecord.model_validate(wrong)


def test_a_signed_upload_reads_back(office: Office) -> None:
    data = office.signed("ada", "nonce-0001", comment="grüße")
    upload = parse_upload(data)
    assert upload == Upload(upload.document, upload.signature)
    assert upload.document.comment == "grüße"
    assert parse_upload(upload.document.to_json()).signature is None
