"""What people accepted is proposed again when concepts are mined anew, and never applied."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load, save

from benchmarks.correction.preparing import mine_concepts
from feedback.channels.concept_graph import read_evidence
from feedback.channels.concept_graph.ops import GraphEdit
from feedback.document import FeedbackDocument
from feedback.errors import ArtifactError
from feedback.exchange import check_upload, decide_single
from feedback.policy import single_policy
from feedback.publishing import publish
from feedback.recording import record_transition
from feedback.states import ReviewState
from models.concept_graph.exemplar_tensors import pack_exemplars, unpack_exemplars
from models.concept_graph.exemplars import MOST_PER_CONCEPT
from models.concept_graph.exemplars import keep_exemplars as keep
from models.concept_graph.params import CarryOverParams
from tasks.channels.concept_graph.carrying import (
    EXEMPLARS,
    carry_over_edits,
    earlier_edits,
    keep_exemplars,
)
from tasks.channels.concept_graph.explaining import explain_classes
from tasks.channels.concept_graph.mining import load_bank
from tasks.channels.concept_graph.reasoning import imitate_classifier
from tasks.channels.concept_graph.reviewing import build_review_bundle
from tasks.channels.concept_graph.segmenting import load_universe
from tasks.classifier import train_classifier
from tests.feedback.memory import MemoryStore
from tests.review_request import NOW

MODEL = "net"


class Mined:
    """One mining of the shapes, explained, and what it takes to ask about it."""

    def __init__(self, staged, basis, seed):
        self.staged, self.basis = staged, basis
        given = {"basis": basis, "params": staged.channel}
        self.concepts = mine_concepts(staged.workplace, basis, staged.channel, seed)
        reasoner = imitate_classifier.fn(
            staged.workplace, **given, concepts=self.concepts, seed=seed
        )
        self.explanation = explain_classes.fn(
            staged.workplace, basis=basis, concepts=self.concepts, reasoner=reasoner, seed=seed
        )
        self.exemplars = keep_exemplars.fn(staged.workplace, basis=basis, concepts=self.concepts)

    def bundle(self, carried=None):
        return build_review_bundle.fn(
            self.staged.workplace,
            basis=self.basis,
            explanation=self.explanation,
            reasoner=self.staged.channel.reasoner,
            model_name=MODEL,
            run="run",
            deadline_hours=1.0,
            exemplars=self.exemplars,
            carried=carried,
        )

    def earlier(self, place, **changes):
        values = {
            "classes": self.basis.class_names, "exemplars": self.exemplars, "model": MODEL,
            "policies": (single_policy(),),
        }  # fmt: skip
        return earlier_edits(place, **values | changes)

    def carry(self, earlier, *, min_similarity):
        return carry_over_edits.fn(
            self.staged.workplace,
            basis=self.basis,
            concepts=self.concepts,
            exemplars=self.exemplars,
            earlier=earlier,
            params=CarryOverParams(min_similarity=min_similarity),
        )


@pytest.fixture(scope="module")
def before(staged):
    return Mined(staged, staged.basis, seed=0)


@pytest.fixture(scope="module")
def after(staged):
    """Another network on the same images, and other clusters of its own features."""
    classifier = train_classifier.fn(
        staged.workplace,
        dataset=staged.dataset,
        classifier=staged.params.classifier,
        training=staged.params.training,
        weights_sha256="",
        seed=7,
    )
    basis = staged.basis.model_copy(update={"classifier": classifier})
    return Mined(staged, basis, seed=7)


def edits_of(shown):
    """Replace the concept of slot 0, and cut the edge that leaves it."""
    other = next(
        card.concept_id
        for card in shown.candidates
        if card.concept_id not in shown.slots and card.class_name == shown.class_name
    )
    ops = [
        {"op": "replace_concept", "slot": 0, "from": shown.slots[0], "to": other, "reason": "sea"},
        {"op": "remove_edge", "src": 0, "dst": 1, "reason": "chance"},
    ]
    given = {"class_name": shown.class_name, "base_cscg": shown.base_cscg, "ops": ops}
    return GraphEdit.model_validate(given)


def answer(store, mined, *, verdict="approve", edited=True, nonce="nonce-001"):
    bundle, files = mined.bundle()
    publish(store, bundle, files)
    edits = [edits_of(read_evidence(bundle).classes[0])] if edited else []
    document = FeedbackDocument(
        request_id=bundle.request_id,
        bundle_sha256=bundle.digest,
        channel=bundle.channel,
        reviewer="ada",
        nonce=nonce,
        verdict=verdict,
        responses=tuple(edit.model_dump(mode="json") for edit in edits),
        created_at=NOW,
    )
    upload = check_upload(bundle, document.to_json())
    decide_single(store, bundle, upload, now=NOW)
    return bundle, edits


class Place:
    """As much of a workplace as looking for reviews takes."""

    def __init__(self):
        self.objects = MemoryStore(lambda: NOW)


@pytest.fixture(scope="module")
def approved(staged, before):
    return answer(staged.workplace.objects, before)


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


def replace_mined(mined, concepts, exemplars):
    twin = object.__new__(Mined)
    vars(twin).update(vars(mined) | {"concepts": concepts, "exemplars": exemplars})
    return twin


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


def with_exemplars(staged, before, earlier, data):
    """The same edits, of a review that was published with these bytes as its exemplars."""
    ref = staged.work.artifacts.save_png(data)
    stored = before.exemplars.model_copy(update={"outputs": {"exemplars": ref}})
    bundle, files = replace_mined(before, before.concepts, stored).bundle()
    publish(staged.workplace.objects, bundle, files)
    changed = {"request_id": bundle.request_id, "exemplars": ref.sha256}
    return [one.model_copy(update=changed) for one in earlier]


def test_exemplars_of_the_earlier_format_are_no_pictures_to_compare_with(
    staged, before, after, approved
):
    bank = load_bank(staged.work, before.concepts)
    cut_outs = {name: torch.zeros(2, 3, 48, 48, dtype=torch.uint8) for name in bank.concept_ids}
    earlier = with_exemplars(staged, before, after.earlier(staged.workplace), save(cut_outs))
    carried = after.carry(earlier, min_similarity=0.1)
    assert carried.facts == {"carried": 0, "lost": 2}
    (lost,) = staged.work.load_json(carried, "lost").values()
    assert all("left no picture to compare with" in one["why"] for one in lost)


def hostile_files():
    pixels = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    masks = torch.ones(1, 8, dtype=torch.uint8)
    one = {"images": pixels, "masks_of/a/k0": masks}
    return {
        "no safetensors": b"\x80\x04}.",
        "an image that is not there": save(one | {"image_of/a/k0": torch.tensor([1])}),
        "floats": save(one | {"image_of/a/k0": torch.tensor([0]), "images": pixels.float()}),
        "a dtype that torch lacks": header(b'{"images":{"dtype":"F6_E2M3","shape":[4],'
                                           b'"data_offsets":[0,3]}}') + bytes(3),
    }  # fmt: skip


def header(text):
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize("kind", sorted(hostile_files()))
def test_exemplars_that_no_run_could_have_written_are_refused(
    staged, before, after, approved, kind
):
    data = hostile_files()[kind]
    earlier = with_exemplars(staged, before, after.earlier(staged.workplace), data)
    with pytest.raises(ArtifactError, match=r"carry_over\.enabled=false"):
        after.carry(earlier, min_similarity=0.1)


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
