import math

import pytest
import torch

from models.concept_graph.imitation import Imitation, imitation_loss


def test_the_softmax_form_is_the_l1_distance_of_probabilities() -> None:
    logits = torch.tensor([[math.log(3.0), 0.0], [0.0, 0.0]])  # 3/4, 1/4 and 1/2, 1/2
    teacher = torch.tensor([[0.0, 0.0], [0.0, 0.0]])
    assert float(imitation_loss(logits, teacher)) == pytest.approx((0.25 + 0.25 + 0.0) / 2)


def test_the_vrx_form_divides_logits_by_their_l1_norm() -> None:
    logits, teacher = torch.tensor([[3.0, -1.0]]), torch.tensor([[1.0, 1.0]])
    # 3/4, -1/4 against 1/2, 1/2
    expected = ((0.75 - 0.5) ** 2 + (-0.25 - 0.5) ** 2) / 2
    assert float(imitation_loss(logits, teacher, "l1norm_mse")) == pytest.approx(expected)


@pytest.mark.parametrize("form", ["softmax_l1", "l1norm_mse"])
def test_equal_answers_cost_nothing_and_no_answer_is_finite(form: Imitation) -> None:
    logits = torch.tensor([[2.0, -1.0, 0.5]])
    assert float(imitation_loss(logits, logits, form)) == 0
    assert torch.isfinite(imitation_loss(torch.zeros(1, 3), logits, form))


def test_the_softmax_form_never_exceeds_two() -> None:
    far = torch.tensor([[100.0, -100.0]])
    assert float(imitation_loss(far, -far)) == pytest.approx(2.0)
