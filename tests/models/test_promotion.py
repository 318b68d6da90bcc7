import math
from dataclasses import replace

import pytest

from models.paired import PairedDifference
from models.params import PromotionParams
from models.promotion import decide_promotion

PARAMS = PromotionParams(guard_band=0.02)


def difference(low, mean, high):
    return PairedDifference(mean, low, high, 0.01, 0.95, n_seeds=3, n_images=210)


GAIN = difference(0.01, 0.04, 0.07)
STEADY = difference(-0.015, -0.002, 0.01)


def test_better_where_edited_and_steady_elsewhere_is_promoted():
    decision = decide_promotion(GAIN, STEADY, GAIN, PARAMS)
    assert decision.promote
    assert len(decision.reasons) == 3
    assert all(reason.startswith("Passed") for reason in decision.reasons)
    assert "+4.0 points, 95 % interval +1.0 to +7.0" in decision.reasons[0]


def test_a_gain_that_may_be_nothing_is_refused():
    decision = decide_promotion(difference(0.0, 0.03, 0.06), STEADY, GAIN, PARAMS)
    assert not decision.promote
    assert "not shown to be better than the original" in decision.reasons[0]


@pytest.mark.parametrize(("low", "promote"), [(-0.02, True), (-0.0201, False)])
def test_other_classes_may_reach_the_guard_band_but_not_pass_it(low, promote):
    others = difference(low, 0.0, 0.02)
    assert decide_promotion(GAIN, others, GAIN, PARAMS).promote is promote


def test_a_gain_that_unmodified_graphs_bring_too_is_refused_only_if_asked():
    same = difference(-0.01, 0.0, 0.01)
    assert not decide_promotion(GAIN, STEADY, same, PARAMS).promote
    relaxed = PARAMS.model_copy(update={"need_above_unmodified": False})
    decision = decide_promotion(GAIN, STEADY, same, relaxed)
    assert decision.promote
    assert len(decision.reasons) == 2


def test_a_missing_control_is_refused():
    decision = decide_promotion(GAIN, STEADY, None, PARAMS)
    assert not decision.promote
    assert "no students of the unmodified graphs" in decision.reasons[2]


def test_without_other_classes_there_is_nothing_to_guard():
    decision = decide_promotion(GAIN, None, GAIN, PARAMS)
    assert decision.promote
    assert "no other classes" in decision.reasons[1]


@pytest.mark.parametrize("field", ["mean", "low", "high"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_whatever_is_not_a_finite_number_refuses(field, value, position):
    arguments = [GAIN, STEADY, GAIN]
    arguments[position] = replace(arguments[position], **{field: value})
    decision = decide_promotion(*arguments, PARAMS)
    assert not decision.promote
    assert "not finite" in decision.reasons[position]


def test_a_handful_of_test_images_is_refused_however_large_the_gain():
    few = replace(difference(1.0, 1.0, 1.0), n_images=19)
    decision = decide_promotion(few, STEADY, GAIN, PARAMS)
    assert not decision.promote
    assert "need 20 test images" in " ".join(decision.reasons)


def test_every_refusal_is_named_not_only_the_first():
    loss = difference(-0.2, -0.1, -0.05)
    decision = decide_promotion(loss, loss, loss, PARAMS)
    assert [reason.split(":")[0] for reason in decision.reasons] == ["Refused"] * 3
