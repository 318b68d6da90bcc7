import pytest
import torch

from models.calibration import brier_score, expected_calibration_error


def test_calibration_error_by_hand():
    # Two bins. (0, 0.5]: one image at 0.5, right: |1 - 0.5|. (0.5, 1]: 0.9 right, 0.7 wrong: |1 -
    # 1.6| over 2 images.
    probs = torch.tensor([[0.5, 0.3, 0.2], [0.9, 0.1, 0.0], [0.7, 0.2, 0.1]])
    labels = torch.tensor([0, 0, 1])
    error = expected_calibration_error(probs, labels, n_bins=2)
    assert error == pytest.approx((0.5 + 0.6) / 3, abs=1e-6)


def test_a_certain_and_right_classifier_is_calibrated():
    probs, labels = torch.eye(3), torch.arange(3)
    assert expected_calibration_error(probs, labels) == 0
    assert brier_score(probs, labels) == 0


def test_a_certain_and_wrong_classifier_has_the_worst_scores():
    probs, labels = torch.eye(3), torch.tensor([1, 2, 0])
    assert expected_calibration_error(probs, labels) == 1
    assert brier_score(probs, labels) == 2


def test_order_of_images_does_not_matter_even_with_ties():
    probs = torch.tensor([[0.6, 0.4]]).repeat(20, 1)
    labels = torch.tensor([0, 1] * 10)
    shuffled = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    first = expected_calibration_error(probs, labels)
    assert first == pytest.approx(expected_calibration_error(probs[shuffled], labels[shuffled]))
    assert first == pytest.approx(0.1, abs=1e-6)


def test_brier_score_by_hand():
    # (0.3^2 + 0.2^2 + 0.1^2) for class 0 at (0.7, 0.2, 0.1).
    assert brier_score(torch.tensor([[0.7, 0.2, 0.1]]), torch.tensor([0])) == pytest.approx(0.14)


def test_no_image_at_all_is_refused():
    with pytest.raises(ValueError, match="got 0 images"):
        expected_calibration_error(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64))
