"""Which images are shown with which squares, and how the simulated reviewer answers."""

import io
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from feedback.channels.saliency_grid import SaliencyEvidence, validate_response
from feedback.inbox import check_upload
from models.saliency_grid.params import CarryOverParams
from tasks.channels.saliency_grid.carrying import EarlierMarks, carry_over_marks
from tasks.channels.saliency_grid.explaining import explain_images
from tasks.channels.saliency_grid.reviewing import (
    build_review_bundle,
    measure_object_cells,
    simulated_answer,
)
from tasks.channels.saliency_grid.said import Said
from tests.review_request import NOW
from tests.shapes import write_shapes
from tests.tasks.channels.saliency_grid.conftest import begin


@pytest.fixture(scope="module")
def explain(begun):
    trained = begun.train(1)

    def run(asked=(), carried=None, ask_again=False, score="contribution", **sampling):
        params = begun.channel.model_copy(
            update={
                "grid": begun.channel.grid.model_copy(update={"score": score}),
                "sampling": begun.channel.sampling.model_copy(update=sampling),
                "carry_over": CarryOverParams(ask_again=ask_again),
            }
        )
        return explain_images.fn(
            begun.workplace,
            basis=begun.basis,
            trained=trained,
            asked=list(asked),
            params=params,
            seed=0,
            carried=carried,
        )

    run.trained = trained
    return run


def evidence_of(begun, result):
    return SaliencyEvidence.model_validate(begun.work.load_json(result, "evidence"), strict=False)


def test_images_are_asked_about_once(begun, explain):
    first = evidence_of(begun, explain())
    asked = [one.image for one in first.images]
    assert len(set(asked)) == 4
    assert set(asked) <= set(begun.digests)
    second = evidence_of(begun, explain(asked))
    assert not {one.image for one in second.images} & set(asked)
    last = evidence_of(begun, explain(begun.digests[1:]))
    assert [one.image for one in last.images] == [begun.digests[0]]
    # When there are no others, those come again, as the network sees them by now.
    again = evidence_of(begun, explain(begun.digests))
    assert [one.image for one in again.images] == asked


def test_images_of_earlier_reviews_are_told_of_and_not_asked_about(begun, explain):
    answered = begun.digests[:-2]
    earlier = EarlierMarks(
        request_id="r-1",
        decided_at=NOW,
        labels={},
        said=Said(agreed=()),
    )
    carried = carry_over_marks.fn(
        begun.fresh(), basis=begun.basis, earlier=[earlier], params=begun.channel
    )
    asked = begun.workplace.artifacts.save_json([*answered])
    carried = carried.model_copy(update={"outputs": carried.outputs | {"asked": asked}})
    left = set(begun.digests[-2:])
    first = evidence_of(begun, explain(carried=carried))
    assert {one.image for one in first.images} == left
    assert [one.request_id for one in first.carried] == ["r-1"]
    # Of those that are left, this run has asked about one.
    second = evidence_of(begun, explain([begun.digests[-1]], carried))
    assert [one.image for one in second.images] == [begun.digests[-2]]
    # Earlier runs' images come again before this run's do.
    third = evidence_of(begun, explain(left, carried))
    assert {one.image for one in third.images} <= set(answered)
    again = evidence_of(begun, explain(carried=carried, ask_again=True))
    assert [one.image for one in again.images] == [
        one.image for one in evidence_of(begun, explain()).images
    ]
    assert again.carried == first.carried


def test_shown_cells_are_the_most_relevant_in_order(begun, explain):
    for one in evidence_of(begun, explain()).images:
        scores = [cell.score for cell in one.shown]
        assert scores == sorted(scores, reverse=True)
        assert len(scores) == min(begun.channel.grid.n_shown, 16)
        assert sum(one.probabilities) == pytest.approx(1, abs=1e-3)
        assert one.failure is None or one.failure == "incomplete"


def test_cells_are_scored_by_what_they_contribute_or_by_absolute_attribution(begun, explain):
    ours, papers = (
        evidence_of(begun, explain(score=score)).images for score in ("contribution", "absolute")
    )
    assert [one.image for one in ours] == [one.image for one in papers]
    for one, other in zip(ours, papers, strict=True):
        of = {(cell.r, cell.c): cell.score for cell in other.shown}
        both = [(cell.score, of[cell.r, cell.c]) for cell in one.shown if (cell.r, cell.c) in of]
        # |sum| is never above the sum of absolute values, and below it where signs differ.
        assert both
        assert all(mine <= theirs * 1.001 for mine, theirs in both)
    assert [one.shown for one in ours] != [one.shown for one in papers]


def test_pictures_are_what_the_network_sees_and_a_veil_of_the_same_size(begun, explain):
    found = explain()
    shown = evidence_of(begun, found).images[0]
    load = begun.work.artifacts.load_bytes
    image = Image.open(io.BytesIO(load(found.outputs[shown.file])))
    veil = Image.open(io.BytesIO(load(found.outputs[shown.overlay])))
    row = begun.digests.index(shown.image)
    assert (np.asarray(image) == begun.images.images[row].permute(1, 2, 0).numpy()).all()
    assert (veil.mode, veil.size) == ("RGBA", image.size)


def test_the_simulated_reviewer_marks_shown_cells_outside_the_object_alone(begun, explain):
    found = explain()
    bundle, files = build_review_bundle.fn(
        begun.workplace,
        basis=begun.basis,
        explained=found,
        model_name="parley",
        run="run-1",
        round=2,
    )
    assert set(files) == set(bundle.files)
    assert bundle.round == 2
    shares = measure_object_cells.fn(
        begun.workplace, basis=begun.basis, explained=found, cells=4
    ).facts["shares"]
    answer = simulated_answer(bundle, shares, begun.channel.reviewer)
    assert validate_response(bundle, answer) is not None
    marked = 0
    for response in answer.responses:
        row = begun.digests.index(response["image"])
        blocks = (begun.images.masks[row] == 1).float().view(4, 16, 4, 16).mean(dim=(1, 3))
        on_object = {(c["r"], c["c"]): float(blocks[c["r"], c["c"]]) for c in response["cells"]}
        assert all(share <= 0.1 for share in on_object.values())
        assert set(on_object) <= {tuple(cell) for cell in response["shown"]}
        marked += len(on_object)
    assert marked > 0
    # The same bundle gets the same answer; without masks nothing is marked.
    assert simulated_answer(bundle, shares, begun.channel.reviewer) == answer
    assert simulated_answer(bundle, dict.fromkeys(shares), begun.channel.reviewer).responses == ()


def test_a_failed_explanation_is_said_and_not_answered(begun, explain, monkeypatch):
    from models.saliency_grid import attributing

    real = attributing.attribute_images

    def blind(*given):
        found = real(*given)
        is_zero = found.is_zero.clone()
        is_zero[0] = True
        return replace(found, is_zero=is_zero)

    monkeypatch.setattr(attributing, "attribute_images", blind)
    found = explain(strategy="random")
    shown = evidence_of(begun, found).images
    assert shown[0].failure == "all_zero"
    assert found.facts["failures"] >= 1


def answered(begun, found):
    """Return the bundle of what was explained, and the simulated reviewer's answer to it."""
    bundle, _ = build_review_bundle.fn(
        begun.workplace,
        basis=begun.basis,
        explained=found,
        model_name="parley",
        run="run-1",
        round=1,
    )
    shares = measure_object_cells.fn(
        begun.workplace, basis=begun.basis, explained=found, cells=begun.channel.grid.cells
    ).facts["shares"]
    answer = simulated_answer(bundle, shares, begun.channel.reviewer)
    check_upload(bundle, answer.to_json())
    return bundle, answer


def test_an_attribution_that_is_no_number_is_flagged_and_the_others_are_answered(
    begun, explain, monkeypatch
):
    from models.saliency_grid import attributing

    real = attributing.attribute_images

    def broken(model, images, *given):
        pixels = images.float() / 255
        pixels[0, 0, 3, 3] = torch.nan
        return real(model, pixels, *given)

    monkeypatch.setattr(attributing, "attribute_images", broken)
    found = explain(strategy="wrong_first")
    first, *others = evidence_of(begun, found).images
    assert (first.failure, first.completeness_error) == ("not_finite", None)
    assert all(one.failure in (None, "incomplete") for one in others)
    assert all(one.completeness_error is not None for one in others)
    _, answer = answered(begun, found)
    assert [one["image"] for one in answer.responses] == [one.image for one in others]


def test_a_network_whose_logits_are_no_numbers_is_told_of(begun, explain, monkeypatch):
    from models import prediction

    real = prediction.predict_logits

    def broken(*given, **how):
        logits = real(*given, **how)
        return torch.full_like(logits, torch.nan)

    monkeypatch.setattr(prediction, "predict_logits", broken)
    found = explain(strategy="entropy")
    for one in evidence_of(begun, found).images:
        assert (one.failure, one.probabilities) == ("not_finite", ())
        assert one.entropy == pytest.approx(np.log(3), abs=1e-3)
    assert answered(begun, found)[1].responses == ()


def explain_all(begun):
    """Explain every image of a network that is one epoch old."""
    sampling = begun.channel.sampling.model_copy(update={"n_images": 100})
    return explain_images.fn(
        begun.workplace,
        basis=begun.basis,
        trained=begun.train(1),
        asked=[],
        params=begun.channel.model_copy(update={"sampling": sampling}),
        seed=0,
    )


def test_files_of_equal_content_are_asked_about_once(tmp_path):
    data = write_shapes(tmp_path / "data")
    for name in ("aa", "zy", "zz"):
        for folder in ("", "masks/"):
            shutil.copy(
                data / folder / "train/bars/00.png", data / f"{folder}train/bars/{name}.png"
            )
    begun = begin(tmp_path / "home", data, training__validation_share="0.1")
    assert len(begun.digests) > len(set(begun.digests))
    found = explain_all(begun)
    evidence = evidence_of(begun, found)
    assert sorted(one.image for one in evidence.images) == sorted(set(begun.digests))
    assert evidence.n_candidates == len(set(begun.digests))
    assert len(answered(begun, found)[1].responses) == len(set(begun.digests))


def test_cells_that_are_mostly_padding_are_not_shown(tmp_path):
    data = write_shapes(tmp_path / "data")
    for path in data.glob("**/*.png"):
        with Image.open(path) as opened:
            middle = opened.crop((0, 16, 64, 48))
        middle.save(path)
    begun = begin(tmp_path / "home", data, training__resize="pad")
    found = explain_all(begun)
    bundle, answer = answered(begun, found)
    evidence = evidence_of(begun, found)
    for one in evidence.images:
        # 64 x 32 pixels in a square of 64: of four rows the first and the last are padding.
        assert one.content == (16, 0, 48, 64)
        assert {(cell.r, cell.c) for cell in one.shown} == {
            (r, c) for r in (1, 2) for c in range(4)
        }
    assert all(cell["r"] in (1, 2) for one in answer.responses for cell in one["cells"])
    assert not any("padding" in warning for warning in validate_response(bundle, answer))
