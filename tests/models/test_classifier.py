import pytest
import torch

from feedback.errors import ParamsError
from models.classifier import (
    build_classifier,
    evaluating,
    normalising_by_batch,
    scaled_channels,
    to_float,
)
from models.params import ClassifierParams

ARCHITECTURES = ("vgg16", "resnet18", "mobilenet_v2", "squeezenet1_1")
# Published totals at 1000 classes (torchvision's model pages).
PUBLISHED = {
    "vgg16": 138_357_544,
    "resnet18": 11_689_512,
    "mobilenet_v2": 3_504_872,
    "squeezenet1_1": 1_235_496,
}


def small(arch, **changes):
    return build_classifier(ClassifierParams(arch=arch, width=0.125, **changes), 5).eval()


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_width_one_has_the_published_number_of_parameters(arch):
    model = build_classifier(ClassifierParams(arch=arch, width=1), 1000)
    assert sum(p.numel() for p in model.parameters()) == PUBLISHED[arch]


@pytest.mark.parametrize(
    ("width", "weights", "channels"),
    [(None, None, 32), (None, "weights.safetensors", 64), (1.0, None, 64), (0.25, "w.pt", 16)],
)
def test_a_network_without_weights_is_half_as_wide_unless_said_otherwise(width, weights, channels):
    params = ClassifierParams(arch="resnet18", width=width, weights=weights)
    assert len(build_classifier(params, 3).state_dict()["conv1.weight"]) == channels


@pytest.mark.parametrize(
    ("arch", "expected"),
    [
        ("vgg16", {"features.0.weight": (64, 3, 3, 3), "features.28.bias": (512,)}),
        ("vgg16", {"classifier.0.weight": (4096, 25088), "classifier.6.weight": (1000, 4096)}),
        ("resnet18", {"conv1.weight": (64, 3, 7, 7), "bn1.running_var": (64,)}),
        ("resnet18", {"layer2.0.downsample.0.weight": (128, 64, 1, 1), "fc.bias": (1000,)}),
        (
            "resnet18",
            {"layer4.1.bn2.num_batches_tracked": (), "layer3.0.downsample.1.bias": (256,)},
        ),
        (
            "mobilenet_v2",
            {"features.0.0.weight": (32, 3, 3, 3), "features.1.conv.1.weight": (16, 32, 1, 1)},
        ),
        (
            "mobilenet_v2",
            {"features.2.conv.1.0.weight": (96, 1, 3, 3), "features.17.conv.3.bias": (320,)},
        ),
        (
            "mobilenet_v2",
            {"features.18.0.weight": (1280, 320, 1, 1), "classifier.1.weight": (1000, 1280)},
        ),
        ("squeezenet1_1", {"features.3.squeeze.weight": (16, 64, 1, 1)}),
        (
            "squeezenet1_1",
            {"features.12.expand3x3.bias": (256,), "classifier.1.weight": (1000, 512, 1, 1)},
        ),
    ],
)
def test_parameters_have_torchvisions_names_and_shapes(arch, expected):
    state = build_classifier(ClassifierParams(arch=arch, width=1), 1000).state_dict()
    assert {name: tuple(state[name].shape) for name in expected} == expected


@pytest.mark.parametrize(
    ("arch", "n_entries"),
    [("vgg16", 32), ("resnet18", 122), ("mobilenet_v2", 314), ("squeezenet1_1", 52)],
)
def test_state_dict_holds_nothing_beyond_torchvisions_entries(arch, n_entries):
    state = small(arch).state_dict()
    assert len(state) == n_entries
    assert not any("normalise" in name for name in state)


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("size", [128, 160, 224])
def test_head_after_trunk_is_the_whole_network_at_any_size(arch, size):
    model = small(arch)
    images = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        output = model(images)
        assert torch.equal(model.head(model.trunk(images)), output.logits)
    assert output.logits.shape == (2, 5)
    assert abs(output.features.shape[-1] - size // 16) <= 1
    assert (output.features >= 0).all()
    assert (output.features > 0).any()


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_oblong_images_are_accepted(arch):
    assert small(arch)(torch.rand(1, 3, 96, 144)).logits.shape == (1, 5)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_random_weights_follow_the_seed_and_leave_the_global_generator_alone(arch):
    params = ClassifierParams(arch=arch, width=0.125)
    before = torch.get_rng_state()
    first, same, other = (build_classifier(params, 5, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    name = next(iter(dict(first.named_parameters())))
    assert torch.equal(first.state_dict()[name], same.state_dict()[name])
    assert not torch.equal(first.state_dict()[name], other.state_dict()[name])
    assert all(torch.isfinite(value).all() for value in first.state_dict().values())


@pytest.mark.parametrize("arch", ["vgg16", "squeezenet1_1"])
def test_networks_without_normalisation_keep_the_scale_of_activations(arch):
    model = build_classifier(ClassifierParams(arch=arch, width=0.5), 5).eval()
    with torch.no_grad():
        features = model.trunk(torch.rand(4, 3, 96, 96))
    assert 0.05 < features.std() < 5


def test_prefix_and_suffix_make_the_whole_network():
    model = small("squeezenet1_1", frozen_until="features.6")
    images = torch.rand(2, 3, 96, 96)
    with torch.no_grad():
        assert torch.equal(model.suffix(model.prefix(images)), model(images).logits)


def test_frozen_layers_need_no_gradient_and_keep_their_statistics():
    model = small("resnet18", frozen_until="layer2").train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model(torch.rand(4, 3, 64, 64))
    changed = {n for n, v in model.state_dict().items() if not torch.equal(v, before[n])}
    assert changed
    assert all(name.startswith(("layer3", "layer4")) for name in changed)
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert all(name.startswith(("layer3", "layer4", "fc")) for name in trained)


def test_layers_that_can_be_negative_are_refused_as_concept_layer():
    with pytest.raises(
        ParamsError, match=r"ends in a ReLU \(got 'features.13'\).*features.14.conv.0"
    ):
        small("mobilenet_v2", concept_layer="features.13")


def test_unknown_layers_are_refused_with_the_known_ones():
    with pytest.raises(ParamsError, match=r"got 'layer9'.*layer3\.1"):
        small("resnet18", frozen_until="layer9")


def test_a_network_needs_two_classes():
    with pytest.raises(ValueError, match="got 1"):
        build_classifier(ClassifierParams(), 1)


@pytest.mark.parametrize("mode", [evaluating, normalising_by_batch])
def test_every_layer_is_left_in_its_own_mode_also_by_an_error(mode):
    model = small("resnet18").train()
    kept, *others = (one for one in model.modules() if isinstance(one, torch.nn.BatchNorm2d))
    kept.eval()

    def fail():
        with mode(model):
            assert not model.training
            model(torch.rand(2, 3, 32, 32))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert model.training
    assert not kept.training
    assert all(one.training and one.track_running_stats for one in others)
    assert {int(one.num_batches_tracked) for one in (kept, *others)} == {0}


def test_evaluating_restores_the_mode():
    model = small("resnet18").train()
    with evaluating(model):
        assert not model.training
    assert model.training


@pytest.mark.parametrize(
    ("channels", "width", "expected"),
    [(64, 1, 64), (24, 0.35, 8), (96, 0.35, 32), (16, 0.1, 8), (30, 0.5, 16)],
)
def test_channel_counts_round_to_multiples_of_eight(channels, width, expected):
    assert scaled_channels(channels, width) == expected


def test_to_float_maps_pixels_to_the_unit_interval():
    assert to_float(torch.tensor([0, 51, 255], dtype=torch.uint8)).tolist() == pytest.approx(
        [0, 0.2, 1]
    )
    with pytest.raises(ValueError, match="int64"):
        to_float(torch.zeros(3, dtype=torch.int64))


@pytest.mark.gpu
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_the_gpu_gives_the_cpus_logits(arch):
    model = small(arch)
    images = torch.rand(2, 3, 96, 96)
    with torch.no_grad():
        expected = model(images).logits
        computed = model.cuda()(images.cuda()).logits
    torch.testing.assert_close(computed.cpu(), expected, rtol=1e-2, atol=1e-3)
