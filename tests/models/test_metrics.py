import math

import pytest
import torch

from models.metrics import (
    agreement,
    confusion_matrix,
    grouped_accuracy,
    negative_log_likelihood,
    per_class_accuracy,
    pool_confusion,
    soft_confusion,
)

LABELS = torch.tensor([0, 0, 0, 0, 1, 2])
PREDICTED = torch.tensor([0, 0, 0, 1, 0, 2])
LOGITS = torch.nn.functional.one_hot(PREDICTED, 4).float()  # class 3 has no image


def test_confusion_counts_true_classes_in_rows():
    expected = torch.tensor([[3, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]])
    assert torch.equal(confusion_matrix(PREDICTED, LABELS, 4), expected)


def test_unlabelled_images_cannot_slip_into_a_confusion_matrix():
    with pytest.raises(ValueError, match="unlabelled"):
        confusion_matrix(torch.tensor([0]), torch.tensor([-1]), 2)


def test_accuracy_is_by_class_and_unknown_for_a_class_without_images():
    accuracy = per_class_accuracy(LOGITS, LABELS)
    assert accuracy[:3].tolist() == [0.75, 0.0, 1.0]
    assert math.isnan(accuracy[3])


def test_groups_average_over_classes_not_over_images():
    groups = grouped_accuracy(per_class_accuracy(LOGITS, LABELS), edited=(0, 1))
    assert groups.edited_classes == pytest.approx(0.375)
    assert groups.other_classes == pytest.approx(1.0)  # class 3 is left out
    assert groups.all == pytest.approx(1.75 / 3)


def test_a_group_without_classes_is_not_a_number():
    groups = grouped_accuracy(torch.tensor([0.5, 0.7]), edited=(0, 1))
    assert math.isnan(groups.other_classes)


def test_a_group_with_an_unknown_class_is_refused():
    with pytest.raises(ValueError, match=r"0\.\.1 \(got \[2\]\)"):
        grouped_accuracy(torch.tensor([0.5, 0.7]), edited=(2,))


def test_soft_confusion_averages_probabilities_of_each_true_class():
    probs = torch.tensor([[0.8, 0.2], [0.4, 0.6], [0.1, 0.9]])
    confusion = soft_confusion(probs, torch.tensor([0, 0, 1]))
    assert torch.allclose(confusion, torch.tensor([[0.6, 0.4], [0.1, 0.9]]).double(), atol=1e-6)


def test_pool_confusion_is_symmetric_and_its_rows_sum_to_mean_probabilities():
    probs = torch.tensor([[0.8, 0.2], [0.4, 0.6]])
    confusion = pool_confusion(probs)
    expected = torch.tensor([[0.40, 0.20], [0.20, 0.20]]).double()
    assert torch.allclose(confusion, expected, atol=1e-6)
    assert torch.allclose(confusion.sum(1), probs.double().mean(0))


def test_likelihood_of_a_uniform_guess_is_the_log_of_the_number_of_classes():
    assert negative_log_likelihood(torch.zeros(3, 5), torch.tensor([0, 4, 2])) == pytest.approx(
        math.log(5)
    )


def test_agreement_counts_equal_top_classes():
    first = torch.tensor([[2.0, 1.0], [0.0, 1.0], [3.0, 0.0], [0.0, 9.0]])
    second = torch.tensor([[5.0, 1.0], [2.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    assert agreement(first, second) == 0.75
    with pytest.raises(ValueError, match="same images and classes"):
        agreement(first, second[:2])
