import numpy as np
import pytest
import torch
from scipy import stats

from models.concept_graph.significance import benjamini_hochberg, mean_interval, welch_test


def test_welch_agrees_with_scipy():
    rng = np.random.default_rng(0)
    scores, controls = rng.random((4, 20)), rng.random((4, 12)) * 2
    expected = stats.ttest_ind(scores, controls, axis=1, equal_var=False).pvalue
    found = welch_test(torch.tensor(scores), torch.tensor(controls))
    assert found.tolist() == pytest.approx(expected.tolist(), rel=1e-5)


def test_saturated_scores_are_compared_without_variance():
    ones, mixed = torch.ones(3, 4), torch.tensor([[1.0] * 4, [0.0] * 4, [0.0, 1, 0, 1]])
    p_values = welch_test(ones, mixed)
    assert p_values[0] == 1
    assert p_values[1] == 0
    assert 0 < p_values[2] < 1


def test_benjamini_hochberg_by_hand():
    # Limits at 0.05 with five tests: 0.01, 0.02, 0.03, 0.04, 0.05. 0.03 is above its limit 0.02
    # but is rejected because the fourth, 0.039, is below 0.04.
    p_values = torch.tensor([0.039, 0.005, 0.9, 0.03, 0.031])
    assert benjamini_hochberg(p_values, 0.05).tolist() == [True, True, False, True, True]


def test_benjamini_hochberg_agrees_with_scipy():
    p_values = torch.rand(40, generator=torch.Generator().manual_seed(1)) ** 3
    expected = stats.false_discovery_control(p_values.double().numpy()) <= 0.05
    assert benjamini_hochberg(p_values, 0.05).tolist() == expected.tolist()


def test_nothing_is_rejected_when_nothing_is_small():
    assert not benjamini_hochberg(torch.tensor([0.5, 0.9]), 0.05).any()


def test_mean_interval_is_students():
    low, high = mean_interval(torch.tensor([[1.0, 2, 3]]), 0.95)
    half = 4.302653 / 3**0.5
    assert float(low) == pytest.approx(2 - half, rel=1e-5)
    assert float(high) == pytest.approx(2 + half, rel=1e-5)
