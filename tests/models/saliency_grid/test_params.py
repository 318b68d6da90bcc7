import pytest
from pydantic import ValidationError

from models.saliency_grid.params import PenaltyParams, SaliencyGridParams, SamplingParams


def test_the_defaults_are_those_of_the_method():
    params = SaliencyGridParams()
    assert (params.grid.cells, params.grid.n_shown, params.grid.allow_important) == (7, 10, False)
    assert (params.explainer.name, params.explainer.baseline) == ("deeplift", "zero")
    assert (params.penalty.form, params.penalty.strength) == ("squared", "auto")
    assert (params.sampling.strategy, params.sampling.n_images) == ("entropy_of_wrong", 10)
    assert params.sampling.feedback_epochs == (3, 4, 5, 6, 7)


def test_feedback_epochs_follow_the_schedule():
    assert SamplingParams(first_epoch=3, every=4, rounds=3).feedback_epochs == (3, 7, 11)


@pytest.mark.parametrize(
    "changes",
    [
        {"grid": {"cells": 3}},
        {"grid": {"cells": 29}},
        {"grid": {"cells": 4, "n_shown": 17}},
        {"grid": {"allow_important": True}},
        {"penalty": {"strength": -1.0}},
        {"penalty": {"strength": float("nan")}},
        {"penalty": {"strength": "much"}},
        {"penalty": {"gradient_share": 0}},
        {"penalty": {"gradient_share": 1.5}},
        {"penalty": {"form": "gradcam"}},
        {"sampling": {"rounds": 0}},
        {"reviewer": {"outside_share": 0}},
    ],
)
def test_what_makes_no_sense_is_refused(changes):
    with pytest.raises(ValidationError):
        SaliencyGridParams.model_validate(changes)


@pytest.mark.parametrize(
    ("penalty", "is_balanced"),
    [({}, True), ({"form": "linear"}, True), ({"form": "difference"}, False),
     ({"strength": 3.0}, False)],
)  # fmt: skip
def test_lambda_is_found_during_training_unless_it_is_known_before(penalty, is_balanced):
    assert PenaltyParams.model_validate(penalty).is_balanced is is_balanced


def test_what_should_matter_may_be_marked_with_the_linear_penalty():
    params = SaliencyGridParams.model_validate(
        {"grid": {"allow_important": True}, "penalty": {"form": "linear", "strength": 2}}
    )
    assert params.penalty.strength == 2


@pytest.mark.parametrize(("n_images", "expected"), [(2, 4), (16, 4), (20, 5), (32, 8), (128, 8)])
def test_a_quarter_of_the_batch_is_penalised_within_bounds(n_images, expected):
    assert PenaltyParams().most_of(n_images) == expected
    assert PenaltyParams().most_of(n_images, is_partly_frozen=True) == 4
    assert PenaltyParams(form="difference").most_of(n_images) == max(n_images // 2, 4)
    assert PenaltyParams(max_per_batch=3).most_of(n_images, is_partly_frozen=True) == 3
