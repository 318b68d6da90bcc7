import pytest
import torch

from models.classifier import build_classifier
from models.params import ClassifierParams
from models.saliency_grid.params import PenaltyParams
from models.saliency_grid.penalty import (
    chosen_scalar,
    input_gradient_penalty,
    reviewed_penalties,
    score_of,
)
from tests.models.saliency_grid.smooth import Smooth, rand

FORMS = ("linear", "squared", "abs")
SCALARS = (
    "log_probs",
    *(f"{c}_{kind}" for c in ("predicted", "true") for kind in ("logit", "log_prob", "margin")),
)


def cubic(form, a, x, weights):
    """The penalty of ``s = sum a x^3``, whose gradient is ``3 a x^2``."""
    x = x.clone().requires_grad_()
    return input_gradient_penalty((a * x**3).sum(dim=(1, 2, 3)), x, weights, form)


def test_the_penalty_of_a_cubic_is_the_closed_form():
    a, x, weights = rand(3, 4, 5), rand(2, 3, 4, 5, seed=1), rand(2, 4, 5, seed=2) / 9
    g = 3 * a * x**2
    w = weights[:, None]
    torch.testing.assert_close(cubic("squared", a, x, weights), ((w * g) ** 2).sum(dim=(1, 2, 3)))
    torch.testing.assert_close(cubic("abs", a, x, weights), (w * g).sum(dim=(1, 2, 3)))
    torch.testing.assert_close(cubic("linear", a, x, weights), (w * g).sum(dim=(1, 2, 3)) / 3)


@pytest.mark.parametrize("form", FORMS)
def test_its_gradient_in_a_parameter_is_the_closed_form(form):
    a, x = rand(3, 4, 5).requires_grad_(), rand(2, 3, 4, 5, seed=1)
    weights = rand(2, 4, 5, seed=2) / 9
    (found,) = torch.autograd.grad(cubic(form, a, x, weights).sum(), a)
    slope = 3 * x**2
    expected = {
        "linear": weights[:, None] * slope / 3,
        "abs": weights[:, None] * slope,
        "squared": 2 * a.detach() * (weights[:, None] * slope) ** 2,
    }[form].sum(dim=0)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


def test_the_gradient_of_a_softmax_regression_is_that_of_its_hessian():
    # z = T x: d sum_c log p_c / dx = T' (1 - N p), and p depends on T: both enter dR/dT.
    n, d = 3, 4
    theta = rand(n, d).requires_grad_()
    x = rand(1, 1, 1, d, seed=1).requires_grad_()
    marks = torch.tensor([[[1.0, 0.0, 0.5, 0.0]]], dtype=torch.float64)
    logits = x.flatten(1) @ theta.T
    penalty = input_gradient_penalty(torch.log_softmax(logits, 1).sum(1), x, marks, "squared")
    (found,) = torch.autograd.grad(penalty.sum(), theta)
    t, v, w2 = theta.detach(), x.detach().flatten(), marks.flatten() ** 2
    p = torch.softmax(t @ v, dim=0)
    r = 1 - n * p  # d sum_c log p_c / dz
    g = t.T @ r
    # dR/dT = 2 (r (w2 g)' + dr/dz (T w2 g) x'), with dr/dz = -N (diag p - p p').
    u = w2 * g
    jacobian = -n * (torch.diag(p) - torch.outer(p, p))
    expected = 2 * (torch.outer(r, u) + torch.outer(jacobian @ (t @ u), v))
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(penalty, (w2 * g**2).sum()[None], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("scalar", SCALARS)
@pytest.mark.parametrize("form", FORMS)
def test_the_double_backward_agrees_with_finite_differences(form, scalar):
    torch.manual_seed(0)
    model = Smooth().double()
    params = PenaltyParams(form=form, scalar=scalar)
    x, labels = rand(3, 3, 8, 8), torch.tensor([0, 1, 2])
    weights = rand(3, 8, 8, seed=1)

    def total():
        return reviewed_penalties(model, x, weights, params, labels)[0].sum()

    total().backward()
    for parameter in (model.conv.weight, model.last.weight):
        direction = torch.randn_like(parameter)
        with torch.no_grad():
            step = 1e-6
            parameter += step * direction
            above = total().item()
            parameter -= 2 * step * direction
            below = total().item()
            parameter += step * direction
        slope = float((parameter.grad * direction).sum())
        assert slope == pytest.approx((above - below) / (2 * step), rel=1e-5, abs=1e-8)


def test_a_sum_of_probabilities_has_no_gradient_and_is_not_offered():
    model = build_classifier(ClassifierParams(arch="resnet18", width=0.125), 4).double().eval()
    x = rand(2, 3, 32, 32).requires_grad_()
    logits = model(x).logits * 50
    (probs,) = torch.autograd.grad(torch.softmax(logits, 1).sum(), x, retain_graph=True)
    (log_probs,) = torch.autograd.grad(torch.log_softmax(logits, 1).sum(), x)
    assert probs.abs().max() < 1e-12 * log_probs.abs().max()
    with pytest.raises(ValueError, match="scalar"):
        PenaltyParams(scalar="probs")


def test_scores_are_the_hand_computed_ones():
    logits = torch.tensor([[1.0, 3.0], [0.0, -2.0]])
    log_p = torch.log_softmax(logits, 1)
    labels = torch.tensor([0, 1])
    expected = {
        "log_probs": log_p.sum(1),
        "predicted_logit": torch.tensor([3.0, 0.0]),
        "true_logit": torch.tensor([1.0, -2.0]),
        "predicted_log_prob": log_p[[0, 1], [1, 0]],
        "true_log_prob": log_p[[0, 1], [0, 1]],
        "predicted_margin": torch.tensor([1.0, 1.0]),
        "true_margin": torch.tensor([-1.0, -1.0]),
    }
    for scalar in SCALARS:
        torch.testing.assert_close(score_of(logits, scalar, labels), expected[scalar])
    with pytest.raises(ValueError, match="a label for every image"):
        score_of(logits, "true_logit")
    with pytest.raises(ValueError, match="a label for every image"):
        score_of(logits, "true_log_prob", torch.tensor([0, -1]))


def test_log_probabilities_say_nothing_of_an_undecided_image_but_the_margin_does():
    theta = rand(2, 4)
    theta[1] = -theta[0]
    x = torch.tensor([1.0, 1, 0, 0], dtype=torch.float64).view(1, 1, 1, 4)
    theta[:, 1] = -theta[:, 0]  # both logits are 0 at x
    marks = torch.ones(1, 1, 4)
    owed = {}
    for scalar in ("log_probs", "predicted_margin"):
        inputs = x.clone().requires_grad_()
        scores = score_of(inputs.flatten(1) @ theta.T, scalar)
        owed[scalar] = input_gradient_penalty(scores, inputs, marks, "squared").item()
    assert owed["log_probs"] == pytest.approx(0, abs=1e-12)
    assert owed["predicted_margin"] == pytest.approx(float((theta[0] ** 2).sum()))


def test_a_logit_can_be_kept_still_while_the_others_move_but_not_the_margin():
    theta = torch.tensor([[0.0, 0.0], [-3.0, 0.0]], dtype=torch.float64)
    for scalar, value in (("predicted_logit", 0.0), ("predicted_margin", 1.5**2)):
        inputs = torch.ones(1, 1, 1, 2, dtype=torch.float64, requires_grad=True)
        scores = score_of(inputs.flatten(1) @ theta.T, scalar)
        owed = input_gradient_penalty(scores, inputs, torch.ones(1, 1, 2), "squared")
        assert owed.item() == pytest.approx(value)


def test_the_scalar_follows_the_form_unless_it_is_chosen():
    assert chosen_scalar(PenaltyParams()) == "log_probs"
    assert chosen_scalar(PenaltyParams(form="linear")) == "predicted_logit"
    assert chosen_scalar(PenaltyParams(form="linear", scalar="true_logit")) == "true_logit"


def test_no_weights_cost_nothing_and_marks_elsewhere_do_not_matter():
    a, x = rand(3, 4, 5), rand(2, 3, 4, 5, seed=1)
    none, some = torch.zeros(2, 4, 5), torch.zeros(2, 4, 5)
    some[0, 2, 3] = 1
    for form in FORMS:
        assert cubic(form, a, x, none).tolist() == [0, 0]
        moved = x.clone()
        moved[:, :, 0] += 1
        assert torch.equal(cubic(form, a, x, some), cubic(form, a, moved, some))
        assert cubic(form, a, x, some)[1] == 0


def test_what_should_matter_acts_in_the_linear_form_alone():
    a, x = rand(3, 4, 5), rand(2, 3, 4, 5, seed=1)
    weights = -torch.ones(2, 4, 5)
    assert (cubic("linear", a, x, weights) < 0).all()
    assert not cubic("squared", a, x, weights).any()
    assert not cubic("abs", a, x, weights).any()


def test_the_linear_form_is_bounded_below_and_never_lets_go_above():
    a, x, weights = torch.ones(1, 1, 1), torch.ones(2, 1, 1, 1), torch.ones(2, 1, 1)
    for factor, value, slope in ((-100.0, -1.0, 0.0), (100.0, 300.0, 3.0)):
        scale = torch.tensor(factor, requires_grad=True)
        penalties = cubic("linear", scale * a, x, weights)
        assert penalties.tolist() == pytest.approx([value] * 2)
        (found,) = torch.autograd.grad(penalties[0], scale)
        assert found.item() == pytest.approx(slope, abs=1e-6)


def test_other_shapes_are_refused():
    x = torch.rand(2, 3, 4, 5).requires_grad_()
    for scores, weights in ((x.sum(), (2, 4, 5)), (x.sum(dim=(1, 2, 3)), (2, 5, 4))):
        with pytest.raises(ValueError, match="expected scores"):
            input_gradient_penalty(scores, x, torch.zeros(weights), "squared")
