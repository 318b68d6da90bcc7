import math

import numpy as np
import pytest

from models.paired import mcnemar_exact, paired_bootstrap, paired_t_interval

LABELS = np.repeat(np.arange(12), 70)


def answers(rng, accuracy, n_seeds):
    return rng.random((n_seeds, len(LABELS))) < accuracy


def test_equal_arms_differ_by_exactly_nothing():
    arm = answers(np.random.default_rng(0), 0.7, 3)
    result = paired_bootstrap(candidate=arm, reference=arm, labels=LABELS, class_ids=range(12))
    assert (result.mean, result.low, result.high, result.p_value) == (0, 0, 0, 1)


def test_mean_is_of_classes_not_of_images():
    # Class 0: one image, gained. Class 1: three images, none gained. Mean over classes = 1/2.
    labels = np.array([0, 1, 1, 1])
    reference = np.array([[False, True, True, True]])
    candidate = np.ones((1, 4), dtype=bool)
    result = paired_bootstrap(
        candidate=candidate, reference=reference, labels=labels, class_ids=(0, 1)
    )
    assert result.mean == 0.5
    assert result.n_images == 4


def test_a_class_with_one_image_leaves_the_difference_in_doubt():
    wrong, right = np.zeros((3, 3), dtype=bool), np.ones((3, 3), dtype=bool)
    result = paired_bootstrap(
        candidate=right, reference=wrong, labels=np.array([0, 1, 1]), class_ids=(0, 1)
    )
    assert (result.mean, result.low, result.high, result.p_value) == (1, -1, 1, 1)


def test_a_clear_gain_has_an_interval_above_zero_and_a_small_p_value():
    rng = np.random.default_rng(1)
    reference = answers(rng, 0.6, 3)
    candidate = reference | answers(rng, 0.4, 3)
    result = paired_bootstrap(
        candidate=candidate, reference=reference, labels=LABELS, class_ids=(0, 1, 2)
    )
    assert 0 < result.low < result.mean < result.high
    assert result.p_value < 0.01
    assert (result.n_seeds, result.n_images) == (3, 210)


def test_swapping_the_arms_mirrors_the_interval():
    rng = np.random.default_rng(2)
    first, second = answers(rng, 0.6, 2), answers(rng, 0.65, 2)
    there = paired_bootstrap(candidate=first, reference=second, labels=LABELS, class_ids=(0, 1))
    back = paired_bootstrap(candidate=second, reference=first, labels=LABELS, class_ids=(0, 1))
    assert there.mean == pytest.approx(-back.mean)
    assert there.low == pytest.approx(-back.high)


def test_spread_with_one_seed_is_the_textbook_standard_error():
    # One class, reference always wrong: the difference is a proportion, se = sqrt(p (1 - p) / (m -
    # 1)).
    labels = np.zeros(200, dtype=np.int64)
    candidate = (np.arange(200) < 60)[None]
    result = paired_bootstrap(
        candidate=candidate,
        reference=np.zeros_like(candidate),
        labels=labels,
        class_ids=(0,),
        n_bootstrap=20_000,
    )
    error = math.sqrt(0.3 * 0.7 / 199)
    assert (result.high - result.low) / (2 * 1.96) == pytest.approx(error, rel=0.05)


def test_seeds_that_disagree_widen_the_interval():
    labels = np.zeros(400, dtype=np.int64)
    reference = np.zeros((4, 400), dtype=bool)
    steady = np.tile(np.arange(400) < 200, (4, 1))
    moody = np.stack([np.arange(400) < k for k in (100, 150, 250, 300)])
    widths = []
    for candidate in (steady, moody):
        result = paired_bootstrap(
            candidate=candidate, reference=reference, labels=labels, class_ids=(0,)
        )
        assert result.mean == pytest.approx(0.5)
        widths.append(result.high - result.low)
    assert widths[1] > 2 * widths[0]


def test_a_reference_that_was_not_retrained_is_one_row():
    rng = np.random.default_rng(3)
    result = paired_bootstrap(
        candidate=answers(rng, 0.9, 5),
        reference=answers(rng, 0.5, 1),
        labels=LABELS,
        class_ids=range(12),
    )
    assert result.low > 0.2
    assert result.n_seeds == 5


def test_the_same_seed_gives_the_same_interval():
    rng = np.random.default_rng(4)
    first, second = answers(rng, 0.6, 3), answers(rng, 0.6, 3)
    runs = [
        paired_bootstrap(
            candidate=first, reference=second, labels=LABELS, class_ids=range(12), seed=seed
        )
        for seed in (7, 7, 8)
    ]
    assert runs[0] == runs[1] != runs[2]


def test_classes_without_images_give_no_number():
    arm = np.ones((1, 3), dtype=bool)
    result = paired_bootstrap(
        candidate=arm, reference=arm, labels=np.zeros(3, dtype=np.int64), class_ids=(5,)
    )
    assert math.isnan(result.mean)
    assert math.isnan(result.low)


def test_arms_over_other_images_are_refused():
    with pytest.raises(ValueError, match="expected reference answers"):
        paired_bootstrap(
            candidate=np.ones((1, 3), dtype=bool),
            reference=np.ones((1, 4), dtype=bool),
            labels=np.zeros(3, dtype=np.int64),
            class_ids=(0,),
        )


def test_t_interval_by_hand():
    # mean 2, deviation 1, n = 3: t(0.975, 2) = 4.3027, half width 4.3027 / sqrt 3 = 2.4841; p =
    # 0.0742.
    result = paired_t_interval([1.0, 2.0, 3.0])
    assert result.mean == 2
    assert result.low == pytest.approx(2 - 2.4841, abs=1e-3)
    assert result.high == pytest.approx(2 + 2.4841, abs=1e-3)
    assert result.p_value == pytest.approx(0.0742, abs=1e-3)


def test_t_interval_agrees_with_scipy():
    from scipy.stats import ttest_1samp

    values = [0.02, 0.05, -0.01, 0.04, 0.03]
    expected = ttest_1samp(values, 0)
    interval = expected.confidence_interval(0.9)
    result = paired_t_interval(values, confidence=0.9)
    assert result.p_value == pytest.approx(expected.pvalue)
    assert (result.low, result.high) == pytest.approx((interval.low, interval.high))


def test_t_interval_needs_two_seeds():
    with pytest.raises(ValueError, match="at least two seeds"):
        paired_t_interval([0.1])


def test_mcnemar_by_hand():
    # 5 gained, 1 lost: 2 (C(6,0) + C(6,1)) / 2^6 = 14 / 64.
    candidate = np.array([True] * 5 + [False] + [True] * 10)
    reference = np.array([False] * 5 + [True] + [True] * 10)
    assert mcnemar_exact(candidate, reference) == 14 / 64
    assert mcnemar_exact(reference, candidate) == 14 / 64
    assert mcnemar_exact(candidate, candidate) == 1


def test_mcnemar_stays_exact_for_many_images():
    candidate = np.arange(4000) % 2 == 0
    assert mcnemar_exact(candidate, ~candidate) == pytest.approx(1.0)
