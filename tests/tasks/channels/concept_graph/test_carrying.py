"""What people accepted is proposed again when concepts are mined anew, and never applied."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load

from feedback.channels.concept_graph import read_evidence
from feedback.channels.concept_graph.ops import GraphEdit
from feedback.document import FeedbackDocument
from feedback.exchange import check_upload, decide_single
from feedback.policy import single_policy
from feedback.publishing import publish
from feedback.recording import record_transition
from feedback.states import ReviewState
from models.concept_graph.exemplar_tensors import pack_exemplars, unpack_exemplars
from models.concept_graph.exemplars import MOST_PER_CONCEPT
from models.concept_graph.exemplars import keep_exemplars as keep
from tasks.channels.concept_graph.carrying import (
    EXEMPLARS,
)
from tasks.channels.concept_graph.mining import load_bank
from tasks.channels.concept_graph.segmenting import load_universe
from tests.review_request import NOW
from tests.tasks.channels.concept_graph.mined_again import Place, answer, replace_mined


def test_exemplars_are_of_every_concept_and_a_part_of_what_was_shown(staged, before):
    bundle, files = before.bundle()
    assert EXEMPLARS in bundle.files
    universe = load_universe(staged.work, before.basis)
    bank = load_bank(staged.work, before.concepts)
    found = keep(universe.images.images, universe.segments, bank)
    assert found.concept_ids == bank.concept_ids
    known = (bank.exemplar_segments >= 0).sum(dim=1).clamp(max=MOST_PER_CONCEPT)
    assert torch.equal(torch.bincount(found.owner), known)
    torch.testing.assert_close(load(files[EXEMPLARS]), pack_exemplars(found))
    assert before.exemplars.facts == {"concepts": len(bank), "images": len(found.images)}


def test_the_same_concepts_are_asked_about_as_they_were(before, staged, approved):
    assert before.earlier(staged.workplace) == []
    assert before.bundle()[0].request_id == approved[0].request_id


def test_other_concepts_are_shown_what_was_accepted_and_nothing_is_applied(staged, after, approved):
    earlier = after.earlier(staged.workplace)
    assert [one.edit for one in earlier] == approved[1]
    carried = after.carry(earlier, min_similarity=0.01)
    bundle, _ = after.bundle(carried)
    plain, _ = after.bundle()
    told, untold = read_evidence(bundle), read_evidence(plain)
    first = told.classes[0]
    assert len(first.carried) + len(first.lost) == 2
    assert {one.request_id for one in (*first.carried, *first.lost)} == {approved[0].request_id}
    # What is shown otherwise is what was mined: slots and edges are as without an earlier review.
    bare = first.model_copy(update={"carried": (), "lost": ()})
    assert (bare, told.classes[1]) == (untold.classes[0], untold.classes[1])
    # It is other evidence, so people are asked, and each proposal is an answer that the gate takes.
    assert bundle.request_id != plain.request_id
    for one in first.carried:
        edit = GraphEdit(class_name=first.class_name, base_cscg=first.base_cscg, ops=(one.op,))
        document = FeedbackDocument(
            request_id=bundle.request_id, bundle_sha256=bundle.digest, channel=bundle.channel,
            reviewer="ada", nonce="nonce-002", verdict="approve", created_at=NOW,
            responses=(edit.model_dump(mode="json"),),
        )  # fmt: skip
        check_upload(bundle, document.to_json())
        assert one.op.reason in ("sea", "chance")
    again, _ = after.bundle(after.carry(earlier, min_similarity=0.01))
    assert again.request_id == bundle.request_id


def test_concepts_that_look_the_same_are_found_again_by_another_network(
    staged, before, after, approved
):
    """The very concepts of before, named anew and seen by the network of after."""
    bank = load_bank(staged.work, before.concepts)
    tensors, names = bank.to_tensors()
    graphs = staged.work.load_json(before.concepts, "graphs")
    renamed = {name: name.replace("/k", "/z") for name in names["concept_ids"]}
    for graph in graphs:
        graph["concepts"] = [renamed[name] for name in graph["concepts"]]
    concepts = staged.save(
        "choose_concepts",
        tensors={"bank": tensors},
        json={"bank_names": {"concept_ids": [*renamed.values()]}, "graphs": graphs},
    )
    kept = unpack_exemplars(staged.tensors(before.exemplars, "exemplars"))
    again = replace(kept, concept_ids=tuple(renamed[name] for name in kept.concept_ids))
    exemplars = staged.save("exemplars", tensors={"exemplars": pack_exemplars(again)})
    twin = replace_mined(after, concepts, exemplars)
    carried = twin.carry(twin.earlier(staged.workplace), min_similarity=0.999)
    assert carried.facts == {"carried": 2, "lost": 0}
    (replaced, removed) = staged.work.load_json(carried, "carried")[approved[1][0].class_name]
    op = approved[1][0].ops[0]
    assert replaced["op"]["from"] == renamed[op.from_]
    assert replaced["op"]["to"] == renamed[op.to]
    assert (replaced["op"]["slot"], replaced["similarity"]) == (0, 1.0)
    assert (removed["op"]["src"], removed["op"]["dst"]) == (0, 1)


def test_a_threshold_that_nothing_reaches_loses_all_with_the_reason(staged, after, approved):
    earlier = after.earlier(staged.workplace)
    strange = [replace_names(one) for one in earlier]
    carried = after.carry(strange, min_similarity=1.0)
    assert carried.facts == {"carried": 0, "lost": 2}
    lost = staged.work.load_json(carried, "lost")[approved[1][0].class_name]
    assert all("left no picture" in one["why"] for one in lost)


def replace_names(earlier):
    """The same review from before exemplars were kept."""
    return earlier.model_copy(update={"exemplars": ""})


def test_only_the_latest_approved_review_of_a_class_that_stands_speaks(before, after):
    place = Place()
    assert after.earlier(place) == []
    bundle, edits = answer(place.objects, before)
    assert [one.edit for one in after.earlier(place)] == edits
    assert after.earlier(place, model="another") == []
    assert after.earlier(place, classes=["discs"]) == []
    strict = single_policy().model_copy(update={"name": "strict"})
    assert after.earlier(place, policies=(strict,)) == []
    record_transition(place.objects, bundle.request_id, ReviewState.PROMOTED, now=NOW)
    assert [one.edit for one in after.earlier(place)] == edits
    record_transition(place.objects, bundle.request_id, ReviewState.REVOKED, reason="no", now=NOW)
    assert after.earlier(place) == []


@pytest.mark.parametrize("verdict", ["reject", "request_changes"])
def test_what_was_not_approved_is_not_proposed(before, after, verdict):
    place = Place()
    answer(place.objects, before, verdict=verdict, edited=verdict != "reject")
    assert after.earlier(place) == []


def test_a_later_review_that_repeats_no_edit_has_dropped_it(before, after):
    place = Place()
    answer(place.objects, before)
    newer = replace_mined(before, before.concepts, before.exemplars)
    # Approved a minute later, on other concepts, without edits.
    bundle, files = after.bundle()
    publish(place.objects, bundle, files)
    document = FeedbackDocument(
        request_id=bundle.request_id, bundle_sha256=bundle.digest, channel=bundle.channel,
        reviewer="ada", nonce="nonce-003", verdict="approve", created_at=NOW,
    )  # fmt: skip
    upload = check_upload(bundle, document.to_json())
    decide_single(place.objects, bundle, upload, now=NOW.replace(minute=NOW.minute + 1))
    third = newer.staged.save("exemplars", tensors={"exemplars": {"x": torch.zeros(1)}})
    assert replace_mined(after, after.concepts, third).earlier(place) == []
    # Seen from the second mining, the first review still is the latest of other concepts.
    assert len(after.earlier(place)) == 1
