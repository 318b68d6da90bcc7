import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.divergence import kl_divergence, soft_cross_entropy

SKEWED = torch.tensor([[0.9, 0.1]]).log()
EVEN = torch.tensor([[0.5, 0.5]]).log()


def test_divergence_is_taken_from_p_to_q_and_not_the_other_way_round():
    assert kl_divergence(p_logits=SKEWED, q_logits=EVEN).item() == pytest.approx(0.368, abs=5e-4)
    assert kl_divergence(p_logits=EVEN, q_logits=SKEWED).item() == pytest.approx(0.511, abs=5e-4)


def test_divergence_of_a_distribution_from_itself_is_zero_whatever_the_offset_of_the_logits():
    logits = torch.tensor([[2.0, -1.0, 0.5]])
    assert kl_divergence(p_logits=logits, q_logits=logits + 7).item() == pytest.approx(0, abs=1e-6)


def test_an_impossible_class_adds_nothing_and_leaves_the_gradient_finite():
    p = torch.tensor([[0.0, float("-inf")]])
    q = torch.zeros(1, 2, requires_grad=True)
    divergence = kl_divergence(p_logits=p, q_logits=q).sum()
    divergence.backward()
    assert divergence.item() == pytest.approx(math.log(2))
    assert torch.isfinite(q.grad).all()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-8, 8), min_size=6, max_size=6))
def test_divergence_is_never_negative(values):
    p, q = torch.tensor(values).reshape(2, 1, 3)
    assert kl_divergence(p_logits=p, q_logits=q).item() >= -1e-6


def test_soft_cross_entropy_is_divergence_plus_entropy():
    p = torch.tensor([[0.7, 0.2, 0.1]])
    z = torch.tensor([[1.0, -2.0, 0.3]])
    entropy = -(p * p.log()).sum()
    expected = kl_divergence(p_logits=p.log(), q_logits=z / 3) + entropy
    assert torch.allclose(soft_cross_entropy(p_probs=p, q_logits=z, temperature=3), expected)


def test_soft_cross_entropy_by_hand():
    # q = softmax(ln 3, 0) = (3/4, 1/4) at T = 1, softmax(ln 3 / 2, 0) = (sqrt 3, 1) / (1 + sqrt 3)
    # at T = 2.
    p, z = torch.tensor([[0.5, 0.5]]), torch.tensor([[math.log(3), 0.0]])
    at_one = -0.5 * (math.log(0.75) + math.log(0.25))
    root = math.sqrt(3)
    at_two = -0.5 * (math.log(root / (1 + root)) + math.log(1 / (1 + root)))
    assert soft_cross_entropy(p_probs=p, q_logits=z, temperature=1).item() == pytest.approx(at_one)
    assert soft_cross_entropy(p_probs=p, q_logits=z, temperature=2).item() == pytest.approx(at_two)


def test_at_a_very_high_temperature_every_student_looks_uniform():
    p, z = torch.tensor([[0.7, 0.2, 0.1]]), torch.tensor([[9.0, -4.0, 0.0]])
    loss = soft_cross_entropy(p_probs=p, q_logits=z, temperature=1e6)
    assert loss.item() == pytest.approx(math.log(3), abs=1e-4)


def test_arguments_are_by_name_only_so_that_nobody_can_swap_them():
    with pytest.raises(TypeError):
        kl_divergence(SKEWED, EVEN)


def test_unlike_shapes_and_impossible_temperatures_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        kl_divergence(p_logits=SKEWED, q_logits=torch.zeros(1, 3))
    with pytest.raises(ValueError, match="above 0"):
        soft_cross_entropy(p_probs=EVEN.exp(), q_logits=EVEN, temperature=0)
