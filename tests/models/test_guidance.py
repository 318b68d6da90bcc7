"""A term of the loss on images that people said something about."""

import pytest
import torch

from feedback.errors import ParamsError
from models.classification_loss import classification_loss
from models.classifier import build_classifier, evaluating
from models.imageset import ImageSet
from models.params import AugmentParams, ClassifierParams, TrainingParams
from models.prefix import build_prefix_cache
from models.training import fit

PARAMS = TrainingParams(
    epochs=2,
    batch_size=8,
    lr=5e-3,
    precision="float32",
    augment=AugmentParams(flip=0.5, crop_scale=0.7, rotate=10, colour=0),
)
FLIP_ONLY = PARAMS.model_copy(update={"augment": AugmentParams(flip=0.5)})
TOLD = (3, 7, 11)
"""Positions of the images with a map."""


@pytest.fixture(scope="module")
def data():
    """Nineteen images of large plain patches."""
    generator = torch.Generator().manual_seed(0)
    patches = torch.randint(0, 2, (19, 3, 4, 4), generator=generator) * 255
    images = patches.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)
    names = tuple(f"{i}.png" for i in range(19))
    return ImageSet(images.to(torch.uint8), torch.arange(19) % 3, names, ("a", "b", "c"))


class Red:
    """Maps that are the images' own red, and a term that notes what it was given of these."""

    remedy = "ask for less red"

    def __init__(self, data, told=TOLD, factor=0.0, largest_share=None):
        self.data, self.told, self.factor = data, torch.tensor(told), factor
        self.largest_share = largest_share
        self.given, self.drawn = [], []

    def maps(self, index):
        rows = torch.isin(index, self.told).nonzero().flatten()
        return rows, self.data.images[index[rows], 0].float() / 255

    def __call__(self, model, images, maps, index, loss, generator):
        assert model.training
        assert loss.ndim == 0
        assert len(images) == len(maps) == len(index)
        told = torch.isin(index, self.told)
        assert not maps[~told].any()
        self.given.append((images[told], maps[told], index[told]))
        self.drawn.append(torch.rand((), generator=generator).item())
        with evaluating(model):
            return {"guidance": self.factor * model(images[told]).logits.square().mean()}


def last(data, params, guidance=None, arch="resnet18"):
    model = build_classifier(ClassifierParams(arch=arch, width=0.125), 3, seed=1)
    loss = classification_loss(data.labels, 3, PARAMS)
    *_, state = fit(model, data, loss, params=params, seed=7, guidance=guidance)
    return state


def same(first, second):
    return all(torch.equal(first.model[name], second.model[name]) for name in first.model)


def test_every_image_with_a_map_is_looked_at_once_an_epoch_and_no_other(data):
    guidance = Red(data)
    last(data, PARAMS, guidance)
    seen = torch.cat([index for _, _, index in guidance.given]).tolist()
    assert sorted(seen) == sorted(2 * TOLD)


def test_an_epoch_that_is_done_again_draws_the_same(data):
    whole, again = Red(data), Red(data)
    last(data, PARAMS, whole)
    model = build_classifier(ClassifierParams(arch="resnet18", width=0.125), 3, seed=1)
    loss = classification_loss(data.labels, 3, PARAMS)
    first = next(fit(model, data, loss, params=PARAMS, seed=7))
    list(fit(model, data, loss, params=PARAMS, seed=7, start=first, guidance=again))
    assert len(set(whole.drawn)) == len(whole.drawn)
    assert again.drawn == whole.drawn[-len(again.drawn) :]


def test_maps_are_mirrored_with_their_images(data):
    guidance = Red(data)
    last(data, FLIP_ONLY, guidance)
    mirrored = 0
    for images, maps, index in guidance.given:
        torch.testing.assert_close(maps, images[:, 0])
        originals = data.images[index, 0].float() / 255
        mirrored += int((maps != originals).flatten(1).any(dim=1).sum())
    assert 0 < mirrored < 2 * len(TOLD)


def test_maps_are_cropped_and_rotated_with_their_images(data):
    guidance = Red(data)
    last(data, PARAMS, guidance)
    images, maps, index = (torch.cat(parts) for parts in zip(*guidance.given, strict=True))
    unmoved = data.images[index, 0].float() / 255
    moved = float((unmoved - images[:, 0]).abs().mean())
    # One takes the nearest pixel, the other mixes: only edges of the patches differ.
    assert float((maps - images[:, 0]).abs().mean()) < 0.3 * moved


@pytest.mark.parametrize("arch", ["resnet18", "squeezenet1_1"])
def test_a_term_that_is_zero_and_images_without_a_map_change_no_bit(data, arch):
    plain = last(data, PARAMS, arch=arch)
    assert same(plain, last(data, PARAMS, Red(data), arch))
    nobody = Red(data, told=(99,))
    assert same(plain, last(data, PARAMS, nobody, arch))
    assert nobody.given == []


def test_the_term_is_added_and_reported(data):
    plain, guided = last(data, FLIP_ONLY), last(data, FLIP_ONLY, Red(data, factor=3.0))
    assert not same(plain, guided)
    assert guided.metrics["guidance"] > 0
    assert guided.metrics["loss"] > guided.metrics["guidance"]
    assert "guidance" not in plain.metrics


def test_the_gradient_of_a_term_has_at_most_its_share_of_the_loss_s(data):
    """One step of plain gradient descent shows what the gradients added up to."""
    whole = PARAMS.model_copy(
        update={"epochs": 1, "batch_size": 19, "optimizer": "sgd", "weight_decay": 0, "lr": 1e-3}
    )

    bounded = {}

    def step(factor, largest_share=None):
        told = Red(data, factor=factor, largest_share=largest_share)
        state = last(data, whole, told, "squeezenet1_1")
        bounded[factor] = state.metrics.get("bounded")
        return torch.cat([value.flatten() for value in state.model.values()]).double()

    own = step(0.0)
    start = build_classifier(ClassifierParams(arch="squeezenet1_1", width=0.125), 3, seed=1)
    own_step = own - torch.cat([v.flatten() for v in start.state_dict().values()]).double()
    weak, strong = step(10.0) - own, step(1e4, largest_share=0.25) - own
    # A strong term keeps its direction, and a quarter of the length of the loss's own step.
    assert strong.norm().item() == pytest.approx(0.25 * own_step.norm().item(), rel=0.02)
    assert torch.cosine_similarity(strong, weak, dim=0) > 0.98
    # A weak one is left as it is.
    torch.testing.assert_close(step(10.0, largest_share=0.25), own + weak, rtol=0, atol=1e-7)
    assert bounded == {0.0: None, 1e4: 1.0, 10.0: 0.0}


def test_images_are_shown_beside_the_outputs_of_frozen_layers_and_change_no_bit(data):
    params = ClassifierParams(arch="resnet18", width=0.125, frozen_until="layer1")
    loss = classification_loss(data.labels, 3, PARAMS)

    def with_prefix(guidance):
        model = build_classifier(params, 3, seed=1)
        prefix = build_prefix_cache(model, data.images)
        *_, state = fit(
            model, data, loss, params=FLIP_ONLY, seed=7, prefix=prefix, guidance=guidance
        )
        return state

    without, shown = Red(data), Red(data)
    last(data, FLIP_ONLY, without)
    assert same(with_prefix(None), with_prefix(shown))
    # The same images, mirrored alike, as a network with nothing frozen is shown.
    for found, expected in zip(shown.given, without.given, strict=True):
        assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    assert not same(with_prefix(None), with_prefix(Red(data, factor=3.0)))


def test_a_term_that_is_not_finite_is_named_as_what_to_change(data):
    with pytest.raises(ParamsError, match=r"finite loss .*; ask for less red$"):
        last(data, PARAMS, Red(data, factor=float("inf")))
    wild = PARAMS.model_copy(update={"lr": 1e30})
    with pytest.raises(ParamsError, match=r"; lower lr$"):
        last(data, wild)
    # Where it cannot be told, both are.
    with pytest.raises(ParamsError, match=r"; lower lr, or ask for less red$"):
        last(data, wild, Red(data, factor=1e-3))
