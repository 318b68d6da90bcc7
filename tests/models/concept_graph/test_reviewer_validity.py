"""Whatever the simulated reviewer is shown, its answer is one that the exchange accepts."""

from hypothesis import given, settings
from hypothesis import strategies as st

from feedback.channels.concept_graph.evidence import (
    ClassEvidence,
    ConceptCard,
    EdgeEvidence,
    GraphEvidence,
)
from feedback.channels.concept_graph.validation import check_edits
from models.concept_graph.reviewer import simulate_review

SHARE = st.floats(0, 1)


@st.composite
def evidence(draw):
    classes = []
    for name in ("cat", "dog"):
        n_slots = draw(st.integers(2, 5))
        cards = tuple(
            ConceptCard(
                concept_id=f"{name}/k{k}",
                class_name=name,
                tcav_score=None,
                tcav_low=None,
                tcav_high=None,
                tcav_magnitude=draw(st.none() | st.floats(-1, 1)),
                p_value=None,
                significant=True,
                detection_rate=draw(SHARE),
                background_share=draw(SHARE),
                n_images=9,
                popular=True,
                uniqueness=draw(st.none() | st.floats(0, 2)),
                score=draw(st.none() | st.floats(-1, 1)),
                closest_other_cosine=draw(st.none() | SHARE),
            )
            for k in range(n_slots + draw(st.integers(0, 3)))
        )
        edges = tuple(
            EdgeEvidence(src=i, dst=j, contribution=draw(st.floats(-2, 2)))
            for i in range(n_slots)
            for j in range(n_slots)
            if i != j
        )
        classes.append(
            ClassEvidence(
                class_name=name,
                base_cscg="b" * 64,
                slots=tuple(card.concept_id for card in cards[:n_slots]),
                edges=edges,
                candidates=cards,
            )
        )
    return GraphEvidence(agreement=0.9, l1=0.1, classes=tuple(classes))


@settings(max_examples=60, deadline=None)
@given(shown=evidence(), data=st.data())
def test_every_answer_passes_the_validation_against_the_bundle(shown, data):
    ids = [card.concept_id for one in shown.classes for card in one.candidates]
    share = {concept: data.draw(st.none() | SHARE) for concept in ids}
    review = simulate_review(shown, share)
    check_edits(shown, review.edits, verdict="approve")
    for edit in review.edits:
        targets = [op.to for op in edit.ops if op.op == "replace_concept"]
        assert len(set(targets)) == len(targets)
        assert all(op.reason for op in edit.ops)
