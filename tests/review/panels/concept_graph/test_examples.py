"""The examples of a class: which are shown, why this class, and why not another, in numbers."""

from dataclasses import replace

import pytest
from dash.development.base_component import Component

from feedback.channels.concept_graph import ExampleEvidence, LocatedConcept, pack_evidence
from review.desk import Desk
from review.panels.concept_graph import GraphView
from review.panels.concept_graph.examples_view import examples_section
from review.request_view import parts_of
from review.shown import AnyShown
from tests.feedback.memory import MemoryStore
from tests.review.conftest import edited, find, publish_request, text_of, words
from tests.review_request import NOW, make_evidence


def located(class_name: str, slot: int, *values: float, present: bool = True) -> LocatedConcept:
    return LocatedConcept(
        class_name=class_name, slot=slot, present=present, position=(0.5, 0.5), contributions=values
    )


# Logits and contributions are in the order of the classes: carrier, Flugzeugträger, tank.
TAKEN = ExampleEvidence(
    image="train/carrier/07.png",
    file="graph.png",
    true_class="carrier",
    predicted_class="tank",
    reasoner_class="carrier",
    logits=(1.25, 1.75, 2.0),
    concepts=(
        located("carrier", 0, 0.9, 0.0, -0.05),
        located("carrier", 1, -0.4, 0.0, 0.3),
        located("carrier", 2, 0.004, 0.0, 0.02, present=False),
        located("tank", 0, -0.6, 0.1, 1.5),
        located("tank", 1, 0.2, 0.1, -0.7),
    ),
    deletion=(0.02, 0.0, -0.8, None, None),
)
RIGHT = ExampleEvidence(
    image="train/carrier/08.png",
    file="concepts/a_k0.png",
    true_class="carrier",
    predicted_class="carrier",
    reasoner_class="carrier",
    logits=(3.0, -1.0, 0.5),
    concepts=(located("carrier", 1, 2.5, 0.0, -0.25),),
)
ELSEWHERE = RIGHT.model_copy(
    update={
        "image": "train/tank/01.png", "true_class": "tank", "predicted_class": "tank",
        "reasoner_class": "tank", "logits": (), "concepts": (),
    }
)  # fmt: skip


@pytest.fixture
def told(desk: Desk, store: MemoryStore) -> AnyShown:
    given = make_evidence().model_copy(update={"examples": (TAKEN, RIGHT, ELSEWHERE)})
    evidence, items = pack_evidence(given, {})
    return desk.open(publish_request(store, evidence=evidence, items=items).request_id)


def articles(told: AnyShown, name: str) -> dict[str, Component]:
    """Return what is shown of a class's examples, by image."""
    found = find(examples_section(told, name), "Article")
    return {one.children[0].children[-1].children: one for one in found}


def test_examples_of_a_class_and_those_taken_for_it_are_shown(told: AnyShown) -> None:
    shown = {name: [*articles(told, name)] for name in ("carrier", "Flugzeugträger", "tank")}
    assert shown == {
        "carrier": [TAKEN.image, RIGHT.image],
        "Flugzeugträger": [],
        "tank": [TAKEN.image, ELSEWHERE.image],
    }
    nothing = words(examples_section(told, "Flugzeugträger"))
    assert "This request holds no example of the class." in nothing
    assert "agrees with the classifier on 97% of unseen images" in nothing


def test_a_mistake_says_why_it_was_made_and_why_not_the_truth(told: AnyShown) -> None:
    article = articles(told, "carrier")[TAKEN.image]
    assert words(article.children[0]) == (
        f"Taken for tank is carrier reasoner says carrier {TAKEN.image}"
    )
    # The true class is the rival, although another one's logit is larger.
    assert [words(one) for one in find(article, "H5")] == [
        "Why tank: logit +2.00", "Why not carrier: logit +1.25",
    ]  # fmt: skip
    why, why_not = ([words(row) for row in find(one, "Li")] for one in find(article, "Ol"))
    # The four that count most, for or against; what blanking does is the classifier's own word.
    assert why == [
        "tank k00 +1.50",
        "tank k01 −0.70",
        "carrier k01 +0.30 blanked: +0.00 for carrier",
        "carrier k00 −0.05 blanked: +0.02 for carrier",
    ]
    assert why_not == [
        "carrier k00 +0.90 blanked: +0.02 for carrier",
        "tank k00 −0.60",
        "carrier k01 −0.40 blanked: +0.00 for carrier",
        "tank k01 +0.20",
    ]
    first = next(find(article, "Ol"))
    sides = [row.children[1].className for row in find(first, "Li")]
    assert sides == ["for", "against", "for", "against"]


def test_a_right_answer_is_set_beside_the_next_likely_class(told: AnyShown) -> None:
    article = articles(told, "carrier")[RIGHT.image]
    assert words(article.children[0]) == (f"Taken for carrier right reasoner agrees {RIGHT.image}")
    assert [words(one) for one in find(article, "H5")] == [
        "Why carrier: logit +3.00", "Why not tank: logit +0.50",
    ]  # fmt: skip
    assert [words(row) for row in find(article, "Li")] == [
        "carrier k01 +2.50", "carrier k01 −0.25",
    ]  # fmt: skip
    (picture,) = find(article, "_LazyImg")
    assert picture.alt.startswith(f"{RIGHT.image} with its concepts drawn in")
    assert picture.src.startswith(f"/pictures/{told.bundle.request_id}/")


def test_a_concept_that_was_not_found_is_told_as_such_and_without_logits_no_reason_is(
    told: AnyShown,
) -> None:
    # What an earlier version wrote beside it belongs to no concept that can be told.
    only = TAKEN.model_copy(update={"concepts": TAKEN.concepts[2:3], "deletion": (0.1, 0.2)})
    evidence = told.evidence.model_copy(update={"examples": (only, ELSEWHERE)})
    section = examples_section(replace(told, evidence=evidence), "tank")
    assert [words(row) for row in find(section, "Li")] == [
        "carrier k02 (not found) +0.02", "carrier k02 (not found) +0.00",
    ]  # fmt: skip


def test_the_page_of_a_class_holds_its_examples(desk: Desk, told: AnyShown) -> None:
    standing = desk.standing(told, "ada", NOW)
    parts = parts_of(told, edited(told), GraphView(item="carrier"), standing, "ada", NOW)
    for text in (RIGHT.image, "Why not carrier: logit +1.25", "blanked: +0.02"):
        assert text in text_of(parts["bottom"])
