from itertools import pairwise

import pytest
import torch

from models.optimisation import (
    build_optimizer,
    derived_seed,
    learning_rate,
    optimizer_values,
    restore_optimizer,
)


def test_the_rate_warms_up_then_falls_to_one_percent():
    rates = [learning_rate(step, 100, 1.0) for step in range(100)]
    assert rates[:6] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])
    assert rates[-1] == pytest.approx(0.01)
    assert all(a >= b for a, b in pairwise(rates[5:]))


@pytest.mark.parametrize("n_steps", [1, 2, 3])
def test_short_fits_have_a_rate_too(n_steps):
    assert all(0 < learning_rate(step, n_steps, 1.0) <= 1 for step in range(n_steps))


def test_biases_and_normalisation_are_not_decayed():
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    decayed, spared = build_optimizer(model, kind="adamw", lr=1.0, weight_decay=0.3).param_groups
    assert [p.shape for p in decayed["params"]] == [(2, 1, 3, 3)]
    assert decayed["weight_decay"] == 0.3
    assert len(spared["params"]) == 3
    assert spared["weight_decay"] == 0


def test_seeds_of_neighbouring_epochs_differ_and_repeat():
    seeds = [derived_seed(0, epoch) for epoch in range(100)]
    assert len(set(seeds)) == 100
    assert seeds[3] == derived_seed(0, 3)
    assert seeds[1] != derived_seed(1, 0)


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_optimiser_state_survives_a_round_trip(kind):
    def stepped(optimizer, model, n_steps):
        for _ in range(n_steps):
            optimizer.zero_grad()
            model(torch.ones(1, 2)).square().sum().backward()
            optimizer.step()

    model = torch.nn.Linear(2, 2)
    optimizer = build_optimizer(model, kind=kind, lr=0.1, weight_decay=0.1)
    stepped(optimizer, model, 2)
    twin = torch.nn.Linear(2, 2)
    twin.load_state_dict(model.state_dict())
    other = build_optimizer(twin, kind=kind, lr=0.1, weight_decay=0.1)
    restore_optimizer(other, twin, optimizer_values(optimizer, model))
    stepped(optimizer, model, 2)
    stepped(other, twin, 2)
    assert torch.equal(model.weight, twin.weight)


def test_state_of_another_network_is_refused():
    model = torch.nn.Linear(2, 2)
    optimizer = build_optimizer(model, kind="adamw", lr=0.1, weight_decay=0)
    with pytest.raises(ValueError, match=r"got an entry for fc\.weight"):
        restore_optimizer(optimizer, model, {"exp_avg.fc.weight": torch.zeros(2, 2)})
