"""How much the penalty counts beside the cross-entropy."""

import pytest
import torch

from models.saliency_grid.params import PenaltyParams
from models.saliency_grid.strength import BALANCED_ON, Strength, penalty_term


def one(value):
    return torch.tensor(float(value))


def test_an_automatic_lambda_makes_the_penalty_a_share_of_the_loss(caplog):
    caplog.set_level("INFO")
    penalties, loss = torch.tensor([1e-6, 3e-6]), one(1.5)
    found = Strength(PenaltyParams())
    for _ in range(BALANCED_ON):
        assert found.value is None
        found.observe(loss, penalties)
    assert penalty_term(penalties, found.value).item() == pytest.approx(1.5)
    assert "lambda 750000" in caplog.text
    half = Strength(PenaltyParams(rate=0.5))
    half.observe(loss, penalties)
    half.settle()
    assert half.value == pytest.approx(found.value / 2)


def test_a_lambda_that_is_set_or_was_found_before_is_kept():
    kept = (
        (Strength(PenaltyParams(strength=3.0), value=7.0), 3.0),
        (Strength(PenaltyParams(form="difference")), 1.0),
        (Strength(PenaltyParams(form="difference", rate=0.01)), 0.01),
        (Strength(PenaltyParams(form="difference", strength=3.0, rate=0.01)), 3.0),
        (Strength(PenaltyParams(), value=7.0), 7.0),
    )
    for strength, value in kept:
        for _ in range(BALANCED_ON):
            strength.observe(one(1), torch.ones(1))
        strength.settle()
        assert strength.value == value


def test_single_wild_batches_do_not_decide_lambda():
    found = Strength(PenaltyParams())
    for owed in (279.0, 1e-5, *[0.5] * (BALANCED_ON - 2)):
        found.observe(one(1), torch.tensor([owed]))
    assert found.value == 2.0


def test_linear_penalties_of_both_signs_do_not_cancel_out():
    found = Strength(PenaltyParams(form="linear"))
    found.observe(one(1), torch.tensor([0.5, -0.4999]))
    found.settle()
    assert found.value == pytest.approx(2.0, rel=1e-3)


@pytest.mark.parametrize(
    ("loss", "penalties"),
    [(1.0, [0.0]), (float("nan"), [1.0]), (float("inf"), [1.0]), (1.0, [float("inf")]),
     (1.0, [float("nan"), 1.0]), (1.0, [])],
)  # fmt: skip
def test_a_batch_that_tells_nothing_decides_nothing(loss, penalties, caplog):
    found = Strength(PenaltyParams())
    for _ in range(2 * BALANCED_ON):
        found.observe(one(loss), torch.tensor(penalties))
    found.settle()
    assert found.value is None
    assert bool(penalties) == ("tells nothing about lambda" in caplog.text)
    # The next that does is not drowned by them.
    found.observe(one(3), torch.tensor([1.5]))
    found.settle()
    assert found.value == 2.0


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
