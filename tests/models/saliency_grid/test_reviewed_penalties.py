"""Whom of a batch the penalty looks at, and as what the network is looked at meanwhile."""

import pytest
import torch
from torch import nn

from models.classifier import build_classifier
from models.params import ClassifierParams
from models.saliency_grid.params import PenaltyParams
from models.saliency_grid.penalty import reviewed_penalties
from models.saliency_grid.strength import penalty_term
from tests.models.saliency_grid.smooth import Smooth, rand


def test_images_answer_for_themselves_alone_with_statistics_that_are_held_still():
    model = build_classifier(ClassifierParams(arch="resnet18", width=0.125), 4).eval()
    x, weights = rand(4, 3, 32, 32).float(), torch.ones(4, 32, 32)
    together, _ = reviewed_penalties(model, x, weights, PenaltyParams())
    alone, _ = reviewed_penalties(model, x[2:3], weights[2:3], PenaltyParams())
    torch.testing.assert_close(together[2:3], alone, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("scale", [0.1, 10.0])
def test_shrinking_weights_that_are_normalised_owes_no_less_in_training(scale):
    x, weights = rand(4, 3, 32, 32).float(), torch.ones(4, 32, 32)
    owed = {}
    for factor in (1.0, scale):
        model = build_classifier(ClassifierParams(arch="resnet18", width=0.125), 4, seed=0).double()
        with torch.no_grad():
            for layer in model.modules():
                if isinstance(layer, nn.Conv2d):
                    layer.weight *= factor
                elif isinstance(layer, nn.BatchNorm2d):
                    layer.eps = 1e-12
        for mode in (True, False):
            found, _ = reviewed_penalties(model.train(mode), x.double(), weights, PenaltyParams())
            owed[factor, mode] = found
    torch.testing.assert_close(owed[scale, True], owed[1.0, True], rtol=1e-4, atol=0)
    assert not torch.allclose(owed[scale, False], owed[1.0, False], rtol=0.5)


def test_the_single_image_of_a_batch_of_one_is_not_normalised_by_itself():
    model = build_classifier(ClassifierParams(arch="resnet18", width=0.125), 4).train()
    x, weights = rand(1, 3, 32, 32).float(), torch.ones(1, 32, 32)
    training, _ = reviewed_penalties(model, x, weights, PenaltyParams())
    in_use, _ = reviewed_penalties(model.eval(), x, weights, PenaltyParams())
    assert torch.equal(training, in_use)


@pytest.mark.parametrize("row", [0, 5])
def test_a_lone_marked_image_owes_what_it_owes_among_marked_ones(row):
    model = build_classifier(ClassifierParams(arch="resnet18", width=0.125), 4, seed=0).train()
    x, weights = rand(8, 3, 32, 32).float(), torch.ones(8, 32, 32)
    params = PenaltyParams(max_per_batch=8)
    together, _ = reviewed_penalties(model, x, weights, params)
    weights[torch.arange(8) != row] = 0
    alone, index = reviewed_penalties(model, x, weights, params)
    assert index.tolist() == [row]
    torch.testing.assert_close(alone, together[row : row + 1], rtol=1e-3, atol=0)
    # Which in evaluation mode is another number altogether.
    in_use, _ = reviewed_penalties(model.eval(), x, weights, params)
    assert not torch.allclose(in_use, alone, rtol=0.5)


class Counting(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model, self.seen = model, []

    def forward(self, x):
        self.seen.append(len(x))
        return self.model(x)


def test_only_images_with_feedback_that_acts_are_looked_at():
    model = Counting(Smooth()).eval()
    x, weights = rand(5, 3, 8, 8).float(), torch.zeros(5, 8, 8)
    penalties, index = reviewed_penalties(model, x, weights, PenaltyParams())
    assert model.seen == []
    assert len(penalties) == len(index) == 0
    weights[1, 2, 2], weights[3, 0, 0], weights[4, 0, 0] = 1, 0.5, -1
    penalties, index = reviewed_penalties(model, x, weights, PenaltyParams())
    assert model.seen == [2]
    assert index.tolist() == [1, 3]
    assert reviewed_penalties(model, x, weights, PenaltyParams(form="linear"))[1].tolist() == [
        1, 3, 4,
    ]  # fmt: skip


@pytest.mark.parametrize(("form", "per_image"), [("squared", 1), ("difference", 2)])
def test_only_networks_that_normalise_by_the_batch_are_given_company(form, per_image):
    x, weights = rand(12, 3, 32, 32).float(), torch.zeros(12, 32, 32)
    weights[4], weights[9] = 1, 1
    params = PenaltyParams(form=form, max_per_batch=5)
    for arch, n_seen in (("resnet18", 5), ("squeezenet1_1", 2)):
        model = Counting(build_classifier(ClassifierParams(arch=arch, width=0.125), 4).train())
        penalties, index = reviewed_penalties(model, x, weights, params)
        assert model.seen == [n_seen * per_image]
        assert index.tolist() == [4, 9]
        assert penalties.shape == (2,)
        assert (penalties > 0).all()


def test_no_more_images_are_penalised_than_a_step_may_cost():
    x, weights = rand(5, 3, 8, 8).float(), torch.ones(5, 8, 8)
    weights[0] = 0
    _, index = reviewed_penalties(Smooth(), x, weights, PenaltyParams(max_per_batch=3))
    assert index.tolist() == [1, 2, 3]


def test_mode_statistics_and_gradients_of_parameters_are_left_alone():
    model = build_classifier(ClassifierParams(arch="mobilenet_v2", width=0.125), 4).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    x, weights = rand(2, 3, 32, 32).float(), torch.ones(2, 32, 32)
    reviewed_penalties(model, x, weights, PenaltyParams())
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert not x.requires_grad


@pytest.mark.parametrize("arch", ["vgg16", "resnet18", "mobilenet_v2", "squeezenet1_1"])
def test_steps_on_the_penalty_turn_the_network_away_from_marked_pixels(arch):
    model = build_classifier(ClassifierParams(arch=arch, width=0.125, dropout=0), 4)
    with torch.no_grad():
        model.get_submodule(model.classifier_name).weight.mul_(20)
    x, weights = rand(4, 3, 40, 40).float(), torch.zeros(4, 40, 40)
    weights[:, :20] = 1
    optimizer = torch.optim.Adam(model.parameters(), 1e-4)
    owed = []
    for _ in range(6):
        penalties, _ = reviewed_penalties(model, x, weights, PenaltyParams())
        term = penalty_term(penalties, 1.0)
        optimizer.zero_grad()
        term.backward()
        optimizer.step()
        owed.append(term.item())
    assert owed[-1] < 0.8 * owed[0]
