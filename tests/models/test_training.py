from dataclasses import replace

import pytest
import torch

from feedback.errors import ParamsError
from models.classification_loss import classification_loss
from models.classifier import build_classifier
from models.imageset import ImageSet
from models.params import AugmentParams, ClassifierParams, DistillationParams, TrainingParams
from models.prefix import build_prefix_cache
from models.training import fit

PARAMS = TrainingParams(
    epochs=4,
    batch_size=8,
    lr=5e-3,
    precision="float32",
    augment=AugmentParams(flip=0.5, crop_scale=0.7, rotate=10, colour=0.2),
)
FLIP_ONLY = PARAMS.model_copy(update={"augment": AugmentParams(flip=0.5)})


@pytest.fixture(scope="module")
def data():
    """Nineteen images of three classes, each class with a bright channel of its own."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(19) % 3
    images = torch.randint(0, 90, (19, 3, 32, 32), generator=generator)
    images[torch.arange(19), labels] += 120
    names = tuple(f"{i}.png" for i in range(19))
    return ImageSet(images.to(torch.uint8), labels, names, ("a", "b", "c"))


def network(arch="resnet18", **changes):
    return build_classifier(ClassifierParams(arch=arch, width=0.125, **changes), 3, seed=1)


def states(model, data, params=PARAMS, **options):
    loss = classification_loss(data.labels, 3, PARAMS)
    return list(fit(model, data, loss, params=params, seed=7, **options))


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[n], second[n]) for n in first)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("arch", ["resnet18", "squeezenet1_1"])
def test_resuming_gives_the_bits_of_an_uninterrupted_fit(data, arch, optimizer):
    params = PARAMS.model_copy(update={"optimizer": optimizer})
    whole = states(network(arch), data, params)
    resumed = states(network(arch), data, params, start=whole[1])
    assert [state.epoch for state in resumed] == [3, 4]
    assert same(whole[-1].model, resumed[-1].model)
    assert whole[-1].optimizer.keys() == resumed[-1].optimizer.keys()
    assert whole[-1].metrics == resumed[-1].metrics


def test_the_same_seed_gives_the_same_bits_and_spares_the_global_generator(data):
    before = torch.get_rng_state()
    first, second = states(network("squeezenet1_1"), data), states(network("squeezenet1_1"), data)
    assert same(first[-1].model, second[-1].model)
    assert torch.equal(before, torch.get_rng_state())


def test_a_fit_learns_and_reports_means_over_the_epoch(data):
    history = states(network(), data, FLIP_ONLY)
    assert history[-1].metrics["loss"] < 0.5 * history[0].metrics["loss"]
    assert history[-1].metrics["train_accuracy"] > 0.9
    assert history[-1].metrics["lr"] == pytest.approx(5e-5)


def test_states_do_not_change_when_training_goes_on(data):
    loss = classification_loss(data.labels, 3, PARAMS)
    running = fit(network(), data, loss, params=PARAMS, seed=0)
    first = next(running)
    kept = {name: value.clone() for name, value in first.model.items()}
    next(running)
    assert same(first.model, kept)


@pytest.mark.parametrize("arch", ["resnet18", "squeezenet1_1"])
def test_the_prefix_cache_gives_the_same_network_as_training_without_it(data, arch):
    until = {"resnet18": "layer1", "squeezenet1_1": "features.4"}[arch]
    plain, cached = network(arch, frozen_until=until), network(arch, frozen_until=until)
    prefix = build_prefix_cache(cached, data.images, batch_size=4)
    without, with_cache = (
        states(plain, data, FLIP_ONLY),
        states(cached, data, FLIP_ONLY, prefix=prefix),
    )
    for name, value in without[-1].model.items():
        torch.testing.assert_close(with_cache[-1].model[name], value, rtol=1e-2, atol=1e-3)


def test_frozen_layers_stay_as_they_were(data):
    model = network(frozen_until="layer2")
    before = {n: v.clone() for n, v in model.state_dict().items()}
    after = states(model, data)[-1].model
    assert all(
        torch.equal(after[n], before[n]) for n in before if n.startswith(("conv1", "layer2"))
    )
    assert not torch.equal(after["fc.weight"], before["fc.weight"])


def test_only_the_total_is_minimised_and_other_terms_are_reported(data):
    def loss(logits, index):
        assert index.dtype == torch.int64
        return {"loss": (logits - 3).square().mean(), "huge": 1e6 * logits.sum()}

    params = DistillationParams(epochs=3, lr=1e-2)
    history = list(fit(network(), data, loss, params=params, seed=0))
    assert history[-1].metrics["loss"] < history[0].metrics["loss"]
    assert "huge" in history[-1].metrics


def test_evaluation_sees_the_network_in_evaluation_mode(data):
    def evaluate(model):
        assert not model.training
        return {"validation/accuracy": 0.25}

    assert states(network(), data, evaluate=evaluate)[0].metrics["validation/accuracy"] == 0.25


def test_a_single_last_image_does_not_break_normalisation(data):
    history = states(network(), data.select(torch.arange(17)))
    assert history[-1].epoch == 4


def test_a_diverging_fit_stops_with_the_remedy(data):
    def loss(logits, index):
        return {"loss": logits.sum() * float("nan")}

    with pytest.raises(ParamsError, match=r"finite loss \(got nan in epoch 1\); lower lr"):
        next(fit(network(), data, loss, params=PARAMS, seed=0))


def test_a_prefix_cache_of_something_else_is_refused(data):
    model = network(frozen_until="layer1")
    prefix = build_prefix_cache(model, data.images)
    with pytest.raises(ValueError, match="flips alone"):
        states(model, data, prefix=prefix)
    with pytest.raises(ValueError, match=r"of 9 images \(got 19\)"):
        states(model, data.select(torch.arange(9)), FLIP_ONLY, prefix=prefix)
    other = build_classifier(ClassifierParams(width=0.125, frozen_until="layer1"), 3, seed=2)
    with pytest.raises(ValueError, match="build it again"):
        states(other, data, FLIP_ONLY, prefix=prefix)


def test_bfloat16_trains_too(data):
    history = states(network(), data, FLIP_ONLY.model_copy(update={"precision": "bfloat16"}))
    assert history[-1].metrics["loss"] < history[0].metrics["loss"]
    assert all(v.dtype != torch.bfloat16 for v in history[-1].model.values())


@pytest.mark.gpu
def test_a_fit_runs_on_the_gpu_and_follows_the_cpu(data):
    on_cpu = states(network(), data, FLIP_ONLY)
    on_gpu = states(network().cuda(), data, FLIP_ONLY)
    assert on_gpu[0].metrics["loss"] == pytest.approx(on_cpu[0].metrics["loss"], rel=0.05)
    assert all(not value.is_cuda for value in on_gpu[-1].model.values())
    resumed = states(network().cuda(), data, FLIP_ONLY, start=replace(on_gpu[1]))
    assert resumed[-1].metrics["loss"] == pytest.approx(on_gpu[-1].metrics["loss"], rel=0.1)
