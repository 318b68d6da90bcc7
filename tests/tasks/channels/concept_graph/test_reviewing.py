import pytest

from feedback.errors import LowAgreementError
from feedback.exchange import check_upload
from models.concept_graph.params import ReasonerParams
from models.imageset import OBJECT
from tasks.channels.concept_graph.explaining import explain_classes
from tasks.channels.concept_graph.mining import load_bank
from tasks.channels.concept_graph.reviewing import (
    build_review_bundle,
    gate_for,
    measure_object_share,
    simulated_answer,
)
from tasks.channels.concept_graph.segmenting import load_universe


@pytest.fixture(scope="module")
def explanation(staged):
    return explain_classes.fn(
        staged.workplace,
        basis=staged.basis,
        concepts=staged.concepts,
        reasoner=staged.reasoner,
        seed=0,
    )


def build(staged, explanation, *, run="run-1", **reasoner):
    return build_review_bundle.fn(
        staged.workplace,
        basis=staged.basis,
        explanation=explanation,
        reasoner=staged.channel.reasoner.model_copy(update=reasoner),
        model_name="net",
        run=run,
    )


@pytest.fixture(scope="module")
def shares(staged):
    return measure_object_share.fn(staged.workplace, basis=staged.basis, concepts=staged.concepts)


def test_one_evidence_is_one_request_whichever_run_asks_and_when(staged, explanation):
    first, files = build(staged, explanation)
    later, _ = build(staged, explanation, run="run-2")
    assert first.request_id == later.request_id
    assert set(first.files) == set(files)
    assert {item.id for item in first.items} == {"bars", "squares"}
    assert first.dataset.md5 == staged.dataset.md5
    assert all(data.startswith(b"\x89PNG") for data in files.values())


def test_a_reasoner_that_does_not_speak_for_the_classifier_asks_nobody(staged, explanation, caplog):
    agreement = staged.reasoner.number("agreement")
    above = {"min_agreement": min(1.0, agreement + 0.01), "publish_anyway": False}
    if agreement >= 1.0:
        pytest.fail("the tiny reasoner agrees fully; the test needs one that does not")
    with pytest.raises(LowAgreementError, match=f"got {agreement:.0%}"):
        build(staged, explanation, **above)
    with pytest.raises(LowAgreementError):
        build(staged, explanation, **above | {"publish_anyway": None})
    assert caplog.messages == []
    build(staged, explanation, **above | {"publish_anyway": True})
    assert "less than the" in caplog.messages[0]
    build(staged, explanation, min_agreement=agreement, publish_anyway=False)


def test_only_the_simulated_reviewer_is_shown_it_where_nobody_decided():
    undecided, never = ReasonerParams(), ReasonerParams(publish_anyway=False)
    assert gate_for(undecided, "simulated").publish_anyway is True
    for reviewer in ("inbox", "file:answer.json"):
        assert gate_for(undecided, reviewer).publish_anyway is False
    assert gate_for(never, "simulated") == never


def test_object_shares_are_the_mean_over_exemplars_of_pixels_on_the_object(staged, shares):
    universe, bank = (
        load_universe(staged.work, staged.basis),
        load_bank(staged.work, staged.concepts),
    )
    for concept_id, rows in zip(bank.concept_ids, bank.exemplar_segments.tolist(), strict=True):
        found = []
        for row in rows:
            if row >= 0:
                mask = universe.images.masks[universe.segments.image_index[row]]
                inside = mask[universe.segments.mask(row)]
                found.append(float((inside == OBJECT).float().mean()))
        assert shares.facts[concept_id] == pytest.approx(sum(found) / len(found), abs=1e-6)


def test_the_simulated_answer_fits_its_request_and_is_the_same_every_time(
    staged, explanation, shares
):
    bundle, _ = build(staged, explanation)
    answer = simulated_answer(bundle, shares.facts, staged.channel.reviewer)
    checked = check_upload(bundle, answer.to_json(), reviewer="simulated")
    assert checked.document.verdict == "approve"
    assert simulated_answer(bundle, shares.facts, staged.channel.reviewer) == answer
    stricter = staged.channel.reviewer.model_copy(update={"min_object_share": 0.99})
    assert simulated_answer(bundle, shares.facts, stricter).nonce != answer.nonce


def test_a_reviewer_without_masks_distrusts_no_background(staged, explanation, shares):
    bundle, _ = build(staged, explanation)
    blind = simulated_answer(bundle, dict.fromkeys(shares.facts), staged.channel.reviewer)
    checked = check_upload(bundle, blind.to_json())
    said = [op["reason"] for edit in checked.document.responses for op in edit["ops"]]
    assert not any("background" in reason for reason in said)
