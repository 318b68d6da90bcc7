import math

import pytest
import torch

from models.classification_loss import classification_loss
from models.params import TrainingParams


def test_balance_makes_every_class_count_the_same():
    labels = torch.tensor([0, 0, 0, 1])
    loss = classification_loss(labels, 2, TrainingParams(balance=True))
    logits = torch.tensor([[2.0, 0.0]] * 3 + [[0.0, 0.0]])
    # mean over classes of the mean cross-entropy per class
    expected = (math.log(1 + math.exp(-2)) + math.log(2)) / 2
    assert loss(logits, torch.arange(4))["loss"].item() == pytest.approx(expected)


def test_label_smoothing_spreads_its_share_over_all_classes():
    loss = classification_loss(
        torch.tensor([0, 1]), 2, TrainingParams(balance=False, label_smoothing=0.2)
    )
    q = math.log(1 + math.exp(-1)), math.log(1 + math.exp(1))  # -log q of the right, of the wrong
    result = loss(torch.tensor([[1.0, 0.0]]), torch.tensor([0]))["loss"].item()
    assert result == pytest.approx(0.9 * q[0] + 0.1 * q[1])


def test_accuracy_is_reported_without_gradient():
    terms = classification_loss(torch.tensor([0, 1]), 2, TrainingParams())(
        torch.tensor([[1.0, 0.0], [1.0, 0.0]], requires_grad=True), torch.tensor([0, 1])
    )
    assert terms["train_accuracy"].item() == 0.5
    assert not terms["train_accuracy"].requires_grad


@pytest.mark.parametrize("labels", [[-1, 0], [0, 2], []])
def test_labels_out_of_range_are_refused(labels):
    with pytest.raises(ValueError, match="from 0 to 1"):
        classification_loss(torch.tensor(labels, dtype=torch.int64), 2, TrainingParams())
