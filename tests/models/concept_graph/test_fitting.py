import pytest
import torch
from torch import Tensor

from feedback.errors import ExplanationError
from models.concept_graph.fitting import (
    EpochLosses,
    FittedReasoner,
    agreement,
    fit_reasoner,
)
from models.concept_graph.graph import ClassGraph, ImageGraphs
from models.concept_graph.params import ReasonerParams
from tests.models.concept_graph.image_graphs import make_image_graphs

SMALL = ReasonerParams(node_dims=(8, 8), edge_dims=(3, 3), epochs=30, batch_size=32, n_seeds=1)
CLASS_GRAPHS = [ClassGraph(i, f"c{i}", ("k0", "k1"), ("auto", "auto")) for i in range(2)]


def _data(b: int = 96) -> tuple[ImageGraphs, Tensor, Tensor, Tensor]:
    """Graphs whose nodes give their class away, labels, a teacher's logits, a validation mask."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(b) % 2
    direction = torch.randn(2, 2, 2, 6, generator=generator)  # (label, n, K, D)
    nodes = direction[labels] + 0.5 * torch.randn(b, 2, 2, 6, generator=generator)
    shape = (b, 2, 2)
    graphs = make_image_graphs(
        nodes,
        present=torch.rand(shape, generator=generator) > 0.1,
        positions=torch.rand(*shape, 2, generator=generator),
    )
    teacher = 4 * torch.nn.functional.one_hot(labels, 2).float()
    return graphs, labels, teacher, torch.arange(b) % 4 == 3


def test_a_reasoner_learns_to_agree_with_the_classifier() -> None:
    graphs, _, teacher, held_out = _data()
    held_out = torch.arange(len(graphs)) >= 72
    fitted = fit_reasoner(graphs, teacher, held_out, CLASS_GRAPHS, SMALL, objective="imitate")
    result = agreement(fitted.ensemble, graphs.select(held_out), teacher[held_out])
    assert result.top1 >= 0.9
    assert result.l1 < 0.5
    assert result.n_images == 24
    assert not fitted.ensemble.training


def test_a_reasoner_learns_the_labels() -> None:
    graphs, labels, _, _ = _data()
    held_out = torch.arange(len(graphs)) >= 72
    fitted = fit_reasoner(graphs, labels, held_out, CLASS_GRAPHS, SMALL, objective="classify")
    predicted = fitted.ensemble.logits(graphs.select(held_out)).argmax(dim=1)
    assert float((predicted == labels[held_out]).float().mean()) >= 0.9


def test_equal_seeds_give_equal_reasoners() -> None:
    graphs, _, teacher, held_out = _data()
    short = SMALL.model_copy(update={"epochs": 3})
    first, again, other = (
        fit_reasoner(graphs, teacher, held_out, CLASS_GRAPHS, short, objective="imitate", seed=seed)
        for seed in (1, 1, 2)
    )
    assert first.histories == again.histories
    for name, value in first.ensemble.state_dict().items():
        assert torch.equal(value, again.ensemble.state_dict()[name])
    assert first.histories != other.histories


def test_fitting_leaves_the_global_generator_alone() -> None:
    graphs, _, teacher, held_out = _data()
    state = torch.random.get_rng_state()
    short = SMALL.model_copy(update={"epochs": 1})
    fit_reasoner(graphs, teacher, held_out, CLASS_GRAPHS, short, objective="imitate")
    assert torch.equal(torch.random.get_rng_state(), state)


def test_fitting_stops_when_validation_no_longer_improves_and_keeps_the_best() -> None:
    graphs, _, teacher, held_out = _data()
    noise = teacher[torch.randperm(len(teacher), generator=torch.Generator().manual_seed(9))]
    params = SMALL.model_copy(update={"epochs": 200, "patience": 3, "lr": 0.01})
    fitted = fit_reasoner(graphs, noise, held_out, CLASS_GRAPHS, params, objective="imitate")
    validation = [losses.validation for losses in fitted.histories[0]]
    best = min(range(len(validation)), key=validation.__getitem__)
    assert len(validation) == best + 1 + 3 < 200
    now = agreement(fitted.ensemble, graphs.select(held_out), noise[held_out])
    assert now.l1 == pytest.approx(validation[best], abs=1e-6)


def test_every_seed_speaks_with_the_same_weight() -> None:
    graphs, _, teacher, held_out = _data()
    params = SMALL.model_copy(update={"epochs": 2, "n_seeds": 3})
    told: list[tuple[int, int, EpochLosses]] = []
    fitted = fit_reasoner(
        graphs, teacher, held_out, CLASS_GRAPHS, params, objective="imitate", seed=10,
        on_epoch=lambda *event: told.append(event),
    )  # fmt: skip
    alone = [
        fit_reasoner(
            graphs, teacher, held_out, CLASS_GRAPHS,
            params.model_copy(update={"n_seeds": 1}), objective="imitate", seed=seed,
        )
        for seed in (10, 11, 12)
    ]  # fmt: skip
    assert fitted.seed_losses == tuple(one.seed_losses[0] for one in alone)
    assert {seed for seed, _, _ in told} == {10, 11, 12}
    mean = torch.stack([one.ensemble.logits(graphs) for one in alone]).mean(dim=0)
    torch.testing.assert_close(fitted.ensemble.logits(graphs), mean)


def test_logits_do_not_depend_on_the_mode_or_on_the_other_images() -> None:
    graphs, _, teacher, held_out = _data()
    short = SMALL.model_copy(update={"epochs": 1})
    fitted = fit_reasoner(graphs, teacher, held_out, CLASS_GRAPHS, short, objective="imitate")
    together = fitted.ensemble.train().logits(graphs)
    assert fitted.ensemble.training
    alone = fitted.ensemble.logits(graphs.select(torch.tensor([5])))
    torch.testing.assert_close(together[5:6], alone)


def test_nothing_to_compare_gives_nan() -> None:
    graphs, _, teacher, held_out = _data()
    short = SMALL.model_copy(update={"epochs": 1})
    fitted = fit_reasoner(graphs, teacher, held_out, CLASS_GRAPHS, short, objective="imitate")
    none = torch.zeros(len(graphs), dtype=torch.bool)
    result = agreement(fitted.ensemble, graphs.select(none), teacher[none])
    assert result.top1 != result.top1
    assert result.n_images == 0


def test_targets_that_do_not_fit_the_objective_are_refused() -> None:
    graphs, labels, teacher, held_out = _data()
    with pytest.raises(ValueError, match="expected logits"):
        fit_reasoner(graphs, labels, held_out, CLASS_GRAPHS, SMALL, objective="imitate")
    with pytest.raises(ValueError, match="expected class positions"):
        fit_reasoner(graphs, teacher, held_out, CLASS_GRAPHS, SMALL, objective="classify")


@pytest.mark.parametrize("share", [False, True])
def test_fitting_needs_training_and_validation_images(share: bool) -> None:
    graphs, _, teacher, _ = _data()
    held_out = torch.full((len(graphs),), share)
    with pytest.raises(ExplanationError, match="validation_share"):
        fit_reasoner(graphs, teacher, held_out, CLASS_GRAPHS, SMALL, objective="imitate")


def test_the_passes_of_several_members_are_one_series() -> None:
    graphs, _, teacher, held_out = _data()
    short = SMALL.model_copy(update={"epochs": 2, "n_seeds": 1})
    fitted = fit_reasoner(graphs, teacher, held_out, CLASS_GRAPHS, short, objective="imitate")
    stopped = (EpochLosses(4.0, 2.0),)
    longer = (EpochLosses(2.0, 1.0), EpochLosses(1.0, 0.5))
    both = FittedReasoner(fitted.ensemble, (stopped, longer), (2.0, 0.5))
    assert both.epochs() == [
        {"epoch": 1, "loss": 3.0, "validation_loss": 1.5, "learning": 2},
        {"epoch": 2, "loss": 2.5, "validation_loss": 1.25, "learning": 1},
    ]
