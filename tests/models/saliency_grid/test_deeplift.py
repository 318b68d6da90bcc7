import pytest
import torch
from torch import nn
from torch.nn import functional

from models.classifier import build_classifier
from models.params import ClassifierParams
from models.saliency_grid.deeplift import NoRuleError, deeplift


def images(n=3, size=24, seed=0):
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(seed))


def convolution(seed, channels_in, channels, **how):
    layer = nn.Conv2d(channels_in, channels, 3, **how)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        layer.weight.normal_(std=0.5, generator=generator)
        layer.bias.normal_(std=0.5, generator=generator)
    return layer


class Net(nn.Module):
    """Two convolutions with whatever comes after each, then a mean over the cells."""

    def __init__(self, first, second):
        super().__init__()
        self.conv1, self.conv2 = convolution(1, 3, 4), convolution(2, 4, 5)
        self.first, self.second = first, second

    def forward(self, x):
        return self.second(self.conv2(self.first(self.conv1(x)))).mean(dim=(2, 3))


def test_a_rectified_difference_is_shared_out_as_by_hand():
    # y = relu(2 x1 - x2 - 1): 3 at (2, 0), 0 at (0, 0). The multiplier is 3 / (3 - -1) = 3/4.
    weight = torch.tensor([2.0, -1.0])

    def logits(x):
        return functional.relu(x.flatten(1) @ weight - 1)[:, None]

    x = torch.tensor([[2.0, 0.0], [1.0, 3.0]]).view(2, 2, 1, 1)
    zeros = torch.zeros_like(x)
    values, difference = deeplift(logits, x, zeros, torch.zeros(2, dtype=torch.int64))
    assert values.flatten(1).tolist() == [[3.0, 0.0], [0.0, 0.0]]
    assert difference.tolist() == [3.0, 0.0]


def test_the_larger_of_two_is_shared_out_between_both_maxima():
    # max(1, 4) = 4 against max(6, 0) = 6: of the -2 nothing is gained at the second, all is lost at
    # the first, which changed by -5.
    def logits(x):
        return functional.max_pool2d(x * 1.0, (1, 2)).flatten(1)

    x, reference = torch.tensor([[[[1.0, 4.0]]]]), torch.tensor([[[[6.0, 0.0]]]])
    values, _ = deeplift(logits, x, reference, torch.tensor([0]))
    torch.testing.assert_close(values, torch.tensor([[[[-2.0, 0.0]]]]))


@pytest.mark.parametrize("size", [32, 45])
@pytest.mark.parametrize("arch", ["vgg16", "resnet18", "mobilenet_v2", "squeezenet1_1"])
def test_attributions_add_up_to_the_logits_difference(arch, size):
    model = build_classifier(ClassifierParams(arch=arch, width=0.125), 4).eval()
    with torch.no_grad():
        model.get_submodule(model.classifier_name).weight.mul_(50)
    x = images(4, size)
    classes = torch.tensor([0, 1, 2, 3])
    baselines = torch.stack([torch.zeros_like(x[0])] * 2 + [torch.full_like(x[0], 0.5)] * 2)
    values, difference = deeplift(lambda y: model(y).logits, x, baselines, classes)
    with torch.no_grad():
        ends = [model(y).logits.gather(1, classes[:, None])[:, 0] for y in (x, baselines)]
    torch.testing.assert_close(difference, ends[0] - ends[1], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(values.sum(dim=(1, 2, 3)), difference, rtol=2e-3, atol=2e-4)
    assert values.abs().amax() > 0


def test_each_image_is_explained_as_if_it_were_alone():
    model = build_classifier(ClassifierParams(arch="resnet18", width=0.125), 4).eval()
    x, classes = images(3, 32), torch.tensor([2, 0, 3])
    x[1] = 0  # nothing differs from its baseline
    together, _ = deeplift(lambda y: model(y).logits, x, torch.zeros_like(x), classes)
    for i in range(3):
        alone, _ = deeplift(
            lambda y: model(y).logits, x[i : i + 1], torch.zeros_like(x[:1]), classes[i : i + 1]
        )
        torch.testing.assert_close(together[i : i + 1], alone, rtol=1e-3, atol=1e-6)
    assert not together[1].any()


@pytest.mark.parametrize(
    "other",
    [
        functional.relu,
        torch.relu,
        lambda x: x.relu(),
        nn.ReLU(inplace=True),
        lambda x: functional.relu(x, inplace=True),
        lambda x: x.relu_(),
        lambda x: functional.relu(input=x),
    ],
    ids=["functional", "torch", "method", "inplace", "inplace functional", "relu_", "by keyword"],
)
def test_a_rectifier_is_one_however_it_is_called(other):
    x, classes = images(), torch.tensor([0, 1, 2])
    expected, _ = deeplift(Net(nn.ReLU(), nn.ReLU()), x, torch.zeros_like(x), classes)
    found, _ = deeplift(Net(other, other), x, torch.zeros_like(x), classes)
    torch.testing.assert_close(found, expected)


def test_a_module_that_is_used_twice_is_as_good_as_two():
    x, classes = images(), torch.tensor([0, 1, 2])
    reused = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2))
    fresh = [nn.Sequential(nn.ReLU(), nn.MaxPool2d(2)) for _ in range(2)]
    expected, difference = deeplift(Net(*fresh), x, torch.zeros_like(x), classes)
    found, _ = deeplift(Net(reused, reused), x, torch.zeros_like(x), classes)
    assert torch.equal(found, expected)
    torch.testing.assert_close(found.sum(dim=(1, 2, 3)), difference, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "activation",
    [nn.ReLU6(), nn.GELU(), nn.SiLU(), nn.Sigmoid(), nn.Tanh(), nn.LeakyReLU(0.2), nn.Softplus(),
     nn.MaxPool2d(3, 2, padding=1), nn.MaxPool2d(3, 1, dilation=2), nn.AdaptiveMaxPool2d(3),
     nn.MaxPool2d(3, 2, ceil_mode=True)],
    ids=str,
)  # fmt: skip
def test_other_activations_and_pools_are_complete_too(activation):
    x, classes = images(), torch.tensor([0, 1, 2])
    net = Net(activation, nn.ReLU())
    values, difference = deeplift(net, x, torch.zeros_like(x), classes)
    torch.testing.assert_close(values.sum(dim=(1, 2, 3)), difference, rtol=1e-3, atol=1e-4)


# captum warns of the hooks that it sets on every call.
@pytest.mark.filterwarnings("ignore:Setting forward, backward hooks:UserWarning")
def test_captum_says_the_same_where_it_is_complete():
    from captum.attr import DeepLift

    net = Net(nn.ReLU(), nn.Sigmoid())
    x, classes = images(), torch.tensor([0, 1, 2])
    oracle = DeepLift(net).attribute(
        x.clone().requires_grad_(), torch.zeros_like(x).requires_grad_(), target=classes
    )
    found, _ = deeplift(net, x, torch.zeros_like(x), classes)
    torch.testing.assert_close(found, oracle.detach(), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("without", "name"),
    [
        (lambda x: torch.softmax(x, dim=1), "softmax"),
        (nn.GroupNorm(2, 4), "group_norm"),
        (lambda x: x * torch.sigmoid(x), "mul"),
        (lambda x: x / x.norm(), "norm"),
        (lambda x: x**2, "pow"),
        (lambda x: 1 / (1 + x.exp()), "reciprocal|div"),
        (lambda x: functional.relu(x, inplace=True)[:0].sum() + x, "in place"),
    ],
)
def test_what_has_no_rule_is_said_and_not_guessed(without, name):
    x, classes = images(), torch.tensor([0, 1, 2])
    with pytest.raises(NoRuleError, match=name):
        deeplift(Net(without, nn.ReLU()), x, torch.zeros_like(x), classes)


def test_parameters_buffers_and_images_are_left_alone():
    model = build_classifier(ClassifierParams(arch="resnet18", width=0.125), 4).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    x = images()
    deeplift(lambda y: model(y).logits, x, torch.zeros_like(x), torch.tensor([0, 1, 2]))
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not x.requires_grad
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
