"""What a follow-up holds: the same whoever makes it, from the decision alone, and bounded."""

from datetime import timedelta

import pytest

from feedback.bundle import BaseVersion, ReviewBundle, derive_request_id, parse_bundle
from feedback.decision import DecidedResponse, Decision
from feedback.document import parse_document
from feedback.follow_up import MOST_VOICES, FollowUp
from feedback.following import are_same_edits, follow_up, freeze_follow_up, number_of
from feedback.opening import open_request
from feedback.policy import single_policy
from feedback.publishing import load_bundle, load_files, publish
from feedback.recording import load_decisions, record_decision, record_transition
from feedback.states import ReviewState
from tests.feedback.memory import MemoryStore
from tests.feedback.people import Office, step
from tests.review_request import CUT, FILES, NOW, make_answer, make_bundle, make_edit

OTHER = {**CUT, "src": 1, "dst": 2}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(lambda: NOW)


def response(bundle: ReviewBundle, reviewer: str, verdict: str, *edits, comment="") -> object:
    document = parse_document(
        make_answer(
            bundle, reviewer=reviewer, verdict=verdict, responses=list(edits), comment=comment
        )
    )
    return DecidedResponse(key=f"inbox/{reviewer}", sha256="a" * 64, document=document)


def decided(bundle: ReviewBundle, state: str, *responses, **changes: object) -> Decision:
    return Decision.model_validate(
        {
            "request_id": bundle.request_id,
            "bundle_sha256": bundle.digest,
            "channel": bundle.channel,
            "state": state,
            "policy": "pair",
            "policy_sha256": "b" * 64,
            "responses": responses,
            "decided_at": NOW,
            **changes,
        }
    )


def test_a_call_for_changes_proposes_what_its_answers_agree_on_and_repeats_every_word() -> None:
    bundle = make_bundle()
    decision = decided(
        bundle,
        "CHANGES_REQUESTED",
        response(bundle, "ada", "approve", make_edit(CUT), comment="fine"),
        response(bundle, "bob", "request_changes", make_edit({**CUT, "reason": "sea"}),
                 make_edit(OTHER, class_name="tank"), comment="look at the tank"),
        reason="changes requested by bob",
    )  # fmt: skip
    found = follow_up(bundle, [decision])
    assert found is not None
    assert (found.number, found.request_id) == (1, bundle.request_id)
    assert (found.decision_sha256, found.state.value) == (decision.digest, "CHANGES_REQUESTED")
    # Whoever objects comes first: that is what is to be mended.
    assert [(voice.reviewer, voice.verdict, voice.comment) for voice in found.said] == [
        ("bob", "request_changes", "look at the tank"), ("ada", "approve", "fine"),
    ]  # fmt: skip
    assert [edit["class_name"] for edit in found.proposed] == ["carrier", "tank"]
    assert found.conflicts == ()
    assert found.reason == "changes requested by bob"


def test_what_reviewers_contradict_each_other_in_is_named_and_not_proposed() -> None:
    bundle = make_bundle()
    both = (
        response(bundle, "ada", "approve", make_edit(CUT), make_edit(CUT, class_name="tank")),
        response(bundle, "bob", "request_changes", make_edit(OTHER)),
    )
    found = follow_up(bundle, [decided(bundle, "CHANGES_REQUESTED", *both)])
    assert found is not None
    assert [edit["class_name"] for edit in found.proposed] == ["tank"]
    assert found.conflicts == ("carrier",)


def test_a_rejecting_answer_proposes_nothing() -> None:
    bundle = make_bundle()
    said = response(bundle, "ada", "reject", make_edit(CUT), comment="no")
    found = follow_up(bundle, [decided(bundle, "CHANGES_REQUESTED", said)])
    assert found is not None
    assert (found.proposed, [voice.comment for voice in found.said]) == ((), ["no"])


def test_a_partial_decision_proposes_what_was_agreed_and_names_the_rest(office: Office) -> None:
    mine = [make_edit(CUT), make_edit(CUT, class_name="tank")]
    office.upload("ada", "nonce-0001", office.signed("ada", "nonce-0001", responses=mine))
    theirs = [make_edit(OTHER), make_edit(CUT, class_name="tank")]
    office.upload("bob", "nonce-0001", office.signed("bob", "nonce-0001", responses=theirs))
    (decision,) = step(office).decisions
    found = follow_up(office.bundle, load_decisions(office.store, office.bundle.request_id))
    assert found is not None
    assert (found.state, found.proposed) == (ReviewState.PARTIAL, decision.agreed)
    assert [edit["class_name"] for edit in found.proposed] == ["tank"]
    assert found.conflicts == ("carrier",)


def test_a_stale_approval_proposes_the_edits_that_were_approved(office: Office) -> None:
    for reviewer in ("ada", "bob"):
        data = office.signed(reviewer, "nonce-0001", responses=[make_edit(CUT)], comment="yes")
        office.upload(reviewer, "nonce-0001", data)
    (approved,) = step(office).decisions
    request_id = office.bundle.request_id
    assert follow_up(office.bundle, [approved]) is None
    record_transition(office.store, request_id, ReviewState.STALE, reason="too late", now=NOW)
    decisions = load_decisions(office.store, request_id)
    found = follow_up(office.bundle, decisions)
    assert found is not None
    assert found.proposed == approved.edits != ()
    assert (found.state, found.reason) == (ReviewState.STALE, "too late")
    # Named by the decision that stands; the words are those of the one that closed it.
    assert found.decision_sha256 == decisions[-1].digest
    assert [voice.reviewer for voice in found.said] == ["ada", "bob"]


@pytest.mark.parametrize("state", ["APPROVED", "REJECTED", "EXPIRED", "WITHDRAWN"])
def test_what_a_follow_up_cannot_mend_has_none(state: str) -> None:
    bundle = make_bundle()
    assert follow_up(bundle, [decided(bundle, state)]) is None
    assert follow_up(bundle, []) is None


def test_at_most_a_hundred_voices_are_repeated_and_objections_are_among_them() -> None:
    bundle = make_bundle()
    many = [response(bundle, f"r{n:03}", "approve") for n in range(MOST_VOICES + 20)]
    many.append(response(bundle, "zoe", "request_changes", comment="x" * 4000))
    found = follow_up(bundle, [decided(bundle, "CHANGES_REQUESTED", *many)])
    assert found is not None
    assert len(found.said) == MOST_VOICES
    assert (found.said[0].reviewer, len(found.said[0].comment)) == ("zoe", 4000)


def frozen(bundle: ReviewBundle, **changes: object) -> ReviewBundle:
    said = response(bundle, "bob", "request_changes", comment="more")
    follows = follow_up(bundle, [decided(bundle, "CHANGES_REQUESTED", said)])
    assert follows is not None
    values: dict[str, object] = {"created_at": NOW, "author": "eve", "run": "run-1"}
    return freeze_follow_up(bundle, follows, **{**values, **changes})  # type: ignore[arg-type]


def test_a_follow_up_shows_the_same_and_is_named_by_what_it_holds() -> None:
    base = BaseVersion(name="parley", version="1")
    bundle = make_bundle(deadline=NOW).model_copy(update={"base": base})
    first = frozen(bundle)
    again = frozen(bundle, created_at=NOW + timedelta(days=1), author="ada", run="run-2")
    assert first.request_id == again.request_id == derive_request_id(first) != bundle.request_id
    shown = ("channel", "round", "model", "dataset", "evidence", "items", "files", "notes")
    assert {name: getattr(first, name) for name in shown} == {
        name: getattr(bundle, name) for name in shown
    }
    # What is champion now, and how long there is, is found as it is published.
    assert (first.base, first.since, first.deadline) == (None, None, None)
    assert (number_of(bundle), number_of(first), number_of(frozen(first))) == (0, 1, 2)
    assert frozen(first).request_id != first.request_id
    assert parse_bundle(first.to_json(), first.request_id) == first


def test_other_words_or_another_decision_make_another_follow_up() -> None:
    bundle = make_bundle()
    first = frozen(bundle)
    assert first.follows is not None
    for change in ({"decision_sha256": "c" * 64}, {"said": ()}, {"conflicts": ("tank",)}):
        follows = FollowUp.model_validate(first.follows.model_dump() | change)
        changed = first.model_copy(update={"follows": follows})
        assert derive_request_id(changed) != first.request_id


def test_a_request_that_follows_none_keeps_its_bytes() -> None:
    # As an earlier version wrote and named it.
    assert b"follows" not in make_bundle().to_json()
    assert make_bundle().request_id == "concept_graph-cec82c64cab030a62f41"
    assert make_bundle().digest.startswith("1c62e78ef4e6d83deaed6a323bd99f86")


def test_pictures_come_along_verified(store: MemoryStore) -> None:
    bundle = publish(store, make_bundle(), FILES)
    assert load_files(store, bundle) == FILES
    follows = frozen(bundle)
    assert publish(store, follows, load_files(store, bundle)) == follows
    assert load_files(store, load_bundle(store, follows.request_id)) == FILES


def test_edits_are_the_same_whatever_their_order_and_remarks() -> None:
    some = [make_edit(CUT), make_edit(CUT, class_name="tank")]
    others = [
        make_edit({**CUT, "reason": "sea"}, class_name="tank", comment="x"), make_edit(CUT)
    ]  # fmt: skip
    assert are_same_edits("concept_graph", some, others)
    assert not are_same_edits("concept_graph", some, some[:1])
    assert not are_same_edits("concept_graph", [make_edit(CUT)], [make_edit(OTHER)])
    assert are_same_edits("concept_graph", [], [])


OLD, NEW = (BaseVersion(name="parley", version=v, digest=v * 64) for v in "12")


def opened(store: MemoryStore, base: BaseVersion, *, keeps_stale: bool = True) -> ReviewBundle:
    return open_request(
        store, make_bundle(), FILES, base=base, policies=[single_policy()], now=NOW,
        keeps_stale=keeps_stale,
    )  # fmt: skip


def test_a_stale_request_is_kept_for_its_follow_up(store: MemoryStore) -> None:
    first = opened(store, OLD)
    said = DecidedResponse(key="k", sha256="a" * 64, document=parse_document(make_answer(first)))
    record_decision(store, first, ReviewState.APPROVED, policy="single", responses=[said], now=NOW)
    # The champion was replaced and nobody has said so yet.
    assert opened(store, NEW) == first
    states = [one.state.value for one in load_decisions(store, first.request_id)]
    assert states == ["APPROVED", "STALE"]
    assert opened(store, NEW) == first
    # Where no follow-up is allowed it is asked anew, and that stands from then on.
    second = opened(store, NEW, keeps_stale=False)
    assert (second.round, second.follows) == (2, None)
    assert opened(store, NEW) == second


def test_an_expired_request_is_asked_anew_all_the_same(store: MemoryStore) -> None:
    first = opened(store, OLD)
    record_decision(store, first, ReviewState.EXPIRED, policy=single_policy(), now=NOW)
    assert opened(store, OLD).round == 2
