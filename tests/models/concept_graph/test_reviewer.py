import pytest

from feedback.channels.concept_graph.evidence import (
    ClassEvidence,
    ConceptCard,
    EdgeEvidence,
    GraphEvidence,
)
from models.concept_graph.params import ReviewerParams
from models.concept_graph.reviewer import simulate_review


def card(concept_id, *, class_name="cat", score=1.0, detection=0.6, **changes):
    fields = {
        "concept_id": concept_id,
        "class_name": class_name,
        "tcav_score": 0.9,
        "tcav_low": 0.8,
        "tcav_high": 1.0,
        "tcav_magnitude": 0.5,
        "p_value": 0.01,
        "significant": True,
        "detection_rate": detection,
        "background_share": 0.1,
        "n_images": 20,
        "popular": True,
        "uniqueness": 1.0,
        "score": score,
    }
    return ConceptCard(**(fields | changes))


def graph(class_name, slots, candidates, contributions=None):
    edges = tuple(
        EdgeEvidence(src=i, dst=j, contribution=(contributions or {}).get((i, j), 0.1))
        for i in range(len(slots))
        for j in range(len(slots))
        if i != j
    )
    return ClassEvidence(
        class_name=class_name,
        base_cscg="a" * 64,
        slots=tuple(slots),
        edges=edges,
        candidates=tuple(candidates),
    )


DOG = graph("dog", ("d0", "d1"), [card("d0", class_name="dog"), card("d1", class_name="dog")])
DOG_SHARE = {"d0": 1.0, "d1": 1.0}


def review(cat, share, params=None):
    evidence = GraphEvidence(agreement=0.95, l1=0.1, classes=(cat, DOG))
    return simulate_review(evidence, DOG_SHARE | share, params)


def cat(*pool, slots=("c0", "c1", "c2"), contributions=None, slot_cards=None):
    cards = slot_cards or [card(concept) for concept in slots]
    return graph("cat", slots, [*cards, *pool], contributions)


ON = {"c0": 0.9, "c1": 0.9, "c2": 0.9}


def test_nothing_is_edited_when_every_concept_is_on_the_object_and_distinctive():
    result = review(cat(card("c9")), ON | {"c9": 1.0})
    assert result.edits == ()
    assert result.remarks == ()


def test_a_background_concept_is_replaced_by_the_best_foreground_candidate():
    pool = [card("c7", score=0.5), card("c8", score=0.8), card("c9", score=2.0)]
    result = review(cat(*pool), ON | {"c1": 0.1, "c7": 0.9, "c8": 0.9, "c9": 0.4})
    (edit,) = result.edits
    (op,) = edit.ops
    assert (edit.class_name, edit.base_cscg) == ("cat", "a" * 64)
    assert (op.op, op.slot, op.from_, op.to) == ("replace_concept", 1, "c1", "c8")
    assert "background (10% of its examples' area on the object)" in op.reason
    assert "c8 has 90% on the object and is found in 60% of the images" in op.reason


def test_a_candidate_that_is_rarely_found_is_not_taken():
    result = review(
        cat(card("c8", detection=0.19, score=3.0), card("c9", detection=0.2)),
        ON | {"c1": 0.0, "c8": 1.0, "c9": 1.0},
    )
    assert [op.to for op in result.edits[0].ops] == ["c9"]


@pytest.mark.parametrize(
    "alike",
    [{"closest_other": "d0", "closest_other_cosine": 0.96}, {"uniqueness": 0.2}],
)
def test_a_shared_concept_is_replaced_by_a_distinctive_one(alike):
    slot_cards = [card("c0", **alike), card("c1"), card("c2")]
    pool = [card("c8", score=3.0, **alike), card("c9")]
    result = review(cat(*pool, slot_cards=slot_cards), ON | {"c8": 1.0, "c9": 1.0})
    (op,) = result.edits[0].ops
    assert (op.slot, op.to) == (0, "c9")
    assert "looks the same as" in op.reason


def test_a_shared_concept_on_the_object_stays_when_nothing_more_distinctive_is_left():
    slot_cards = [card("c0", closest_other="d0", closest_other_cosine=0.99), card("c1"), card("c2")]
    result = review(cat(slot_cards=slot_cards), ON)
    assert result.edits == ()
    assert "it stays" in result.remarks[0]


def test_a_background_concept_takes_a_shared_part_of_the_object_only_when_allowed():
    pool = [card("c9", closest_other="d0", closest_other_cosine=0.99)]
    share = ON | {"c0": 0.0, "c9": 1.0}
    (op,) = review(cat(*pool), share).edits[0].ops
    assert op.to == "c9"
    assert "another class has one like it" in op.reason
    strict = review(cat(*pool), share, ReviewerParams(accept_shared=False))
    assert {op.op for op in strict.edits[0].ops} == {"remove_edge"}


def test_the_worst_of_two_slots_takes_the_only_candidate_and_the_other_loses_its_edges():
    result = review(cat(card("c9")), ON | {"c0": 0.3, "c1": 0.1, "c9": 1.0})
    replaced = [op for op in result.edits[0].ops if op.op == "replace_concept"]
    assert [(op.slot, op.to) for op in replaced] == [(1, "c9")]
    cut = [op for op in result.edits[0].ops if op.op == "remove_edge"]
    assert cut
    assert all(0 in (op.src, op.dst) for op in cut)
    assert all("c0 lies in the background" in op.reason for op in cut)


def test_a_distrusted_concept_keeps_only_its_weakest_edge():
    strength = {(0, 1): 0.9, (1, 0): 0.8, (0, 2): 0.7, (2, 0): 0.01}
    result = review(cat(contributions=strength), ON | {"c0": 0.1})
    assert [(op.src, op.dst) for op in result.edits[0].ops] == [(0, 1), (0, 2), (1, 0)]


def test_no_concept_is_left_alone_when_all_are_distrusted():
    result = review(cat(), {"c0": 0.0, "c1": 0.0, "c2": 0.0})
    cut = {(op.src, op.dst) for op in result.edits[0].ops}
    kept = {(i, j) for i in range(3) for j in range(3) if i != j} - cut
    assert {slot for edge in kept for slot in edge} == {0, 1, 2}


def test_without_a_mask_the_share_inside_the_gate_is_read_from_the_card():
    slot_cards = [card("c0", background_share=0.8), card("c1"), card("c2")]
    result = review(cat(card("c9"), slot_cards=slot_cards), {"c0": None})
    (op,) = result.edits[0].ops
    assert (op.slot, op.to) == (0, "c9")
    assert "does not look (20% of it inside the gate)" in op.reason


def test_concepts_of_other_classes_and_outside_the_bundle_are_never_named():
    other = card("d7", class_name="dog", score=9.0)
    result = review(cat(other), ON | {"c0": 0.0, "d7": 1.0, "unseen": 1.0})
    assert all(op.op == "remove_edge" for op in result.edits[0].ops)


def test_no_document_exceeds_the_number_of_edits_that_one_takes():
    slots = tuple(f"c{i}" for i in range(16))
    result = review(cat(slots=slots), dict.fromkeys(slots, 0.0))
    assert len(result.edits[0].ops) == 64


def test_two_reviews_of_one_bundle_are_the_same():
    pool = [card("c8"), card("c9")]
    share = ON | {"c0": 0.2, "c2": 0.2, "c8": 1.0, "c9": 1.0}
    first, second = review(cat(*pool), share), review(cat(*reversed(pool)), share)
    assert first == second
    assert [op.to for op in first.edits[0].ops] == ["c8", "c9"]
