import math

import pytest

from models.challenge import decide_challenge
from models.criterion import in_nats, in_points
from models.paired import PairedDifference
from models.params import PromotionParams
from models.saliency_grid.promotion import decide_promotion

PARAMS = PromotionParams(guard_band=0.02, champion_band=0.05, min_images=20)


def difference(low, mean, high, *, n_images=210, n_seeds=3):
    return PairedDifference(mean, low, high, 0.012345, 0.95, n_seeds=n_seeds, n_images=n_images)


LESS = difference(-0.3, -0.2, -0.1)
STEADY = difference(-0.015, -0.002, 0.01)


def test_a_difference_is_written_with_its_interval_and_what_it_rests_on():
    assert in_points(difference(-0.0123, 0.04, 0.1)) == (
        "+4.0 points, 95 % interval -1.2 to +10.0 (p = 0.0123, 3 seeds, 210 images)"
    )
    assert in_nats(difference(-0.5, -0.25, 0.125, n_seeds=1)) == (
        "-0.250 nats, 95 % interval -0.500 to +0.125 (p = 0.0123, 1 seed, 210 images)"
    )


@pytest.mark.parametrize(("low", "passed"), [(-0.05, True), (-0.0501, False), (0.1, True)])
def test_a_candidate_may_lose_to_the_champion_as_much_as_the_band_and_no_more(low, passed):
    found = decide_challenge(difference(low, 0.11, 0.12), "version 3", 3, 3, PARAMS)
    assert found.passed is passed
    assert ("Passed" if passed else "Refused") == found.text.split(":")[0]
    assert "5 points" in found.text
    assert "the champion, version 3" in found.text


def test_a_reader_is_told_of_classes_that_the_champion_knows_alone():
    told = decide_challenge(STEADY, "version 3", 2, 37, PARAMS).text
    assert "on the 2 classes that both know (the champion knows 37)" in told
    assert "knows" not in decide_challenge(STEADY, "version 3", 2, 2, PARAMS).text


@pytest.mark.parametrize("low", [math.nan, -math.inf, math.inf])
def test_a_candidate_is_refused_where_its_difference_is_no_number(low):
    found = decide_challenge(difference(low, 0.1, 0.2), "version 3", 3, 3, PARAMS)
    assert not found.passed
    assert "not finite" in found.text


def test_a_handful_of_images_is_too_few_to_judge_by():
    found = decide_challenge(difference(0.5, 0.6, 0.7, n_images=19), "version 3", 3, 3, PARAMS)
    assert not found.passed
    assert "20 test images" in found.text


def test_marks_promote_what_loses_less_than_before_and_than_the_control():
    verdict = decide_promotion(LESS, LESS, STEADY, PARAMS)
    assert verdict.promote
    assert [reason.split(":")[0] for reason in verdict.reasons] == ["Passed"] * 3
    assert "-0.200 nats" in verdict.reasons[0]


@pytest.mark.parametrize("position", [0, 1, 2])
def test_marks_promote_nothing_when_one_condition_fails(position):
    worse = (difference(-0.3, -0.1, 0.0), difference(-0.3, -0.1, 0.0), difference(-0.03, 0, 0.03))
    given = [LESS, LESS, STEADY]
    given[position] = worse[position]
    verdict = decide_promotion(*given, PARAMS)
    assert not verdict.promote
    refused = [reason.startswith("Refused") for reason in verdict.reasons]
    assert refused == [place == position for place in range(3)]


@pytest.mark.parametrize("position", [0, 1, 2])
def test_marks_promote_nothing_on_what_is_not_a_number(position):
    given = [LESS, LESS, STEADY]
    given[position] = difference(math.nan, -0.2, -0.1)
    verdict = decide_promotion(*given, PARAMS)
    assert not verdict.promote
    assert "not finite" in verdict.reasons[position]


def test_marks_need_no_control_unless_asked_and_never_too_few_images():
    relaxed = PARAMS.model_copy(update={"need_above_unmodified": False})
    worse = difference(-0.3, -0.1, 0.1)
    assert decide_promotion(LESS, worse, STEADY, relaxed).promote
    few = difference(-0.3, -0.2, -0.1, n_images=19)
    assert "20 test images" in decide_promotion(few, LESS, STEADY, PARAMS).reasons[-1]
