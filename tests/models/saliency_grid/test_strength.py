"""How much the penalty counts beside the cross-entropy."""

import pytest
import torch

from models.saliency_grid.params import PenaltyParams
from models.saliency_grid.strength import penalty_strength, penalty_term


def test_an_automatic_lambda_makes_the_penalty_a_share_of_the_loss(caplog):
    caplog.set_level("INFO")
    penalties, loss = torch.tensor([1e-6, 3e-6]), torch.tensor(1.5)
    strength = penalty_strength(PenaltyParams(), loss, penalties)
    assert penalty_term(penalties, strength).item() == pytest.approx(1.5)
    assert "lambda 750000" in caplog.text
    half = penalty_strength(PenaltyParams(rate=0.5), loss, penalties)
    assert half == pytest.approx(strength / 2)
    assert penalty_strength(PenaltyParams(strength=3.0), loss, penalties) == 3.0
    assert penalty_strength(PenaltyParams(form="difference"), loss, penalties) == 1.0


@pytest.mark.parametrize(
    ("loss", "penalties"), [(1.0, [0.0]), (float("nan"), [1.0]), (1.0, [float("inf")])]
)
def test_an_automatic_lambda_is_always_finite(loss, penalties, caplog):
    found = penalty_strength(PenaltyParams(), torch.tensor(loss), torch.tensor(penalties))
    assert 0 <= found < float("inf")
    assert "finite" in caplog.text or found == 0


def test_scaling_down_keeps_the_gradient_that_clipping_loses():
    penalties = torch.tensor([2.0, 6.0], requires_grad=True)
    for limit, value, slope in ((None, 8.0, 1.0), (10.0, 8.0, 1.0), (4.0, 4.0, 0.5)):
        term = penalty_term(penalties, 2.0, limit)
        assert term.item() == pytest.approx(value)
        (found,) = torch.autograd.grad(term, penalties)
        assert found.tolist() == pytest.approx([slope, slope])
    (clipped,) = torch.autograd.grad((2 * penalties.mean()).clamp(max=4), penalties)
    assert clipped.tolist() == [0, 0]


def test_no_reviewed_image_adds_nothing_to_the_loss():
    assert penalty_term(torch.zeros(0), 5.0).item() == 0
    with pytest.raises(ValueError, match="reviewed image"):
        penalty_strength(PenaltyParams(), torch.tensor(1.0), torch.zeros(0))
