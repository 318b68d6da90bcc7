"""What marked pixels decide, found by putting something else there."""

import pytest
import torch
from torch import nn

from models.classifier import build_classifier
from models.params import ClassifierParams
from models.saliency_grid.erasing import PATCHES, difference_penalty, recolour_marked
from models.saliency_grid.params import PenaltyParams
from models.saliency_grid.penalty import reviewed_penalties

DIFFERENCE = PenaltyParams(form="difference")


def rand(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


def test_differences_are_the_hand_computed_ones():
    # Moved by (3, 0, 0): less their mean, (2, -1, -1), whose squares are 6 in three classes.
    logits = torch.tensor([[4.0, 1.0, 1.0], [2.0, 2.0, 5.0]])
    other = torch.tensor([[1.0, 1.0, 1.0], [0.0, 0.0, 3.0]])
    # The second moved alike for every class: nothing is decided by that.
    assert difference_penalty(logits, other).tolist() == [2.0, 0.0]


def test_only_what_is_marked_is_replaced_and_by_as_much_as_it_is_marked():
    images, weights = rand(2, 3, 16, 24), torch.zeros(2, 16, 24)
    weights[0, :8, :12], weights[1, 8:, 12:], weights[1, :8] = 1.0, 0.5, -1.0
    found = recolour_marked(images, weights, drawn())
    colours = rand(2, 3, PATCHES, PATCHES).repeat_interleave(2, dim=2).repeat_interleave(3, dim=3)
    assert torch.equal(found[0, :, 8:], images[0, :, 8:])
    assert torch.equal(found[1, :, :8], images[1, :, :8])
    assert torch.equal(found[0, :, :8, :12], colours[0, :, :8, :12])
    half = (images + colours)[1, :, 8:, 12:] / 2
    torch.testing.assert_close(found[1, :, 8:, 12:], half)


def test_chance_comes_from_the_generator():
    images, weights = rand(1, 3, 16, 16), torch.ones(1, 16, 16)
    first, second = (recolour_marked(images, weights, drawn(5)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, recolour_marked(images, weights, drawn(6)))


class Corner(nn.Module):
    """Decides by the red of the first pixel alone, in a way that has no gradient where it is 1."""

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(2.0))

    def forward(self, x):
        seen = self.factor * (1 - (1 - x[:, 0, 0, 0]).square())
        return torch.stack([seen, -seen], dim=1)


def test_what_hides_its_gradient_at_the_image_owes_all_the_same():
    model, images, weights = Corner(), torch.ones(2, 3, 16, 16), torch.zeros(2, 16, 16)
    weights[0, 0, 0], weights[1, 5, 5] = 1, 1
    hidden, _ = reviewed_penalties(model, images, weights, PenaltyParams(scalar="true_logit"),
                                   torch.zeros(2, dtype=torch.int64))  # fmt: skip
    assert hidden.tolist() == [0.0, 0.0]
    found, index = reviewed_penalties(model, images, weights, DIFFERENCE, generator=drawn())
    red = rand(2, 3, PATCHES, PATCHES)[0, 0, 0, 0].item()
    assert found.tolist() == pytest.approx([(2 * (1 - red) ** 2) ** 2, 0.0])
    assert index.tolist() == [0, 1]
    (slope,) = torch.autograd.grad(found.sum(), model.factor)
    assert slope.item() == pytest.approx(2 * 2 * (1 - red) ** 4)


@pytest.mark.parametrize("arch", ["resnet18", "mobilenet_v2", "squeezenet1_1"])
def test_steps_on_it_turn_a_network_away_from_marked_pixels(arch):
    side = 64
    model = build_classifier(ClassifierParams(arch=arch, width=0.125), 3, seed=0).train()
    images, weights = rand(4, 3, side, side), torch.zeros(4, side, side)
    weights[:, : side // 2] = 1
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    owed = []
    for step in range(12):
        penalties, _ = reviewed_penalties(model, images, weights, DIFFERENCE, generator=drawn(step))
        owed.append(penalties.mean().item())
        optimizer.zero_grad()
        penalties.mean().div(owed[0]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    assert sum(owed[-3:]) / 3 < 0.8 * owed[0]
