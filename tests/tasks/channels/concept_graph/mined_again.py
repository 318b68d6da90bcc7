"""Concepts mined before and after, with a review of those before in a store of its own."""

import pytest

from benchmarks.correction.preparing import mine_concepts
from feedback.channels.concept_graph import read_evidence
from feedback.channels.concept_graph.ops import GraphEdit
from feedback.document import FeedbackDocument
from feedback.exchange import check_upload, decide_single
from feedback.policy import single_policy
from feedback.publishing import publish
from models.concept_graph.params import CarryOverParams
from tasks.channels.concept_graph.carrying import (
    carry_over_edits,
    earlier_edits,
    keep_exemplars,
)
from tasks.channels.concept_graph.explaining import explain_classes
from tasks.channels.concept_graph.reasoning import imitate_classifier
from tasks.channels.concept_graph.reviewing import build_review_bundle
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


@pytest.fixture(scope="session")
def before(staged):
    return Mined(staged, staged.basis, seed=0)


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def approved(staged, before):
    return answer(staged.workplace.objects, before)


def replace_mined(mined, concepts, exemplars):
    twin = object.__new__(Mined)
    vars(twin).update(vars(mined) | {"concepts": concepts, "exemplars": exemplars})
    return twin
