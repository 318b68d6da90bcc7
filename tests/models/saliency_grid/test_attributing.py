import pytest
import torch
from torch import nn
from torch.nn import functional

from models.attribution import grad_cam
from models.classifier import build_classifier
from models.params import ClassifierParams
from models.saliency_grid.attributing import (
    attribute_images,
    baseline_images,
    explained_classes,
)
from models.saliency_grid.params import ExplainerParams

EXPLAINERS = ("deeplift", "integrated_gradients", "grad_cam", "input_gradients")


def images(n=3, size=32):
    return torch.randint(
        0, 256, (n, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )


def classifier(arch="resnet18"):
    model = build_classifier(ClassifierParams(arch=arch, width=0.125), 4)
    with torch.no_grad():
        model.get_submodule(model.classifier_name).weight.mul_(50)
    return model


class Linear(nn.Module):
    """Logits are weighted sums of the pixels, so that every attribution is known."""

    def __init__(self, weights):
        super().__init__()
        self.weights = nn.Parameter(weights)  # (N, 3, H, W)

    def forward(self, x):
        return torch.einsum("bchw,nchw->bn", x, self.weights)


@pytest.mark.parametrize("name", ["deeplift", "integrated_gradients"])
def test_attributions_of_a_linear_network_are_its_weights_times_the_pixels(name):
    weights = torch.tensor([1.0, -2.0, 0.5]).view(1, 3, 1, 1).expand(2, 3, 2, 2).clone()
    weights[1] *= 3
    x = torch.full((2, 3, 2, 2), 0.5)
    found = attribute_images(Linear(weights), x, torch.tensor([0, 1]), ExplainerParams(name=name))
    # (1 + 2 + 0.5) / 2 on every pixel, whatever the sign; three times that for the other class.
    expected = torch.tensor([1.75, 5.25]).view(2, 1, 1).expand(2, 2, 2)
    torch.testing.assert_close(found.maps, expected)
    # (1 - 2 + 0.5) / 2: with their signs they add up to the logits' difference from black.
    signed = torch.tensor([-0.25, -0.75]).view(2, 1, 1).expand(2, 2, 2)
    torch.testing.assert_close(found.contributions, signed)
    assert found.explainer == name
    assert found.remark == ""
    assert found.is_complete.all()


def test_input_gradients_of_a_linear_network_are_its_weights():
    weights = torch.tensor([1.0, -2.0, 0.5]).view(1, 3, 1, 1).expand(2, 3, 2, 2).clone()
    params = ExplainerParams(name="input_gradients")
    found = attribute_images(Linear(weights), torch.rand(1, 3, 2, 2), torch.tensor([0]), params)
    torch.testing.assert_close(found.maps, torch.full((1, 2, 2), 3.5))
    assert found.contributions is None
    assert found.completeness_error is None
    assert found.is_complete is None


@pytest.mark.parametrize("name", EXPLAINERS)
def test_maps_do_not_depend_on_how_images_are_batched(name):
    model, x, classes = classifier(), images(), torch.tensor([1, 3, 0])
    together = attribute_images(model, x, classes, ExplainerParams(name=name))
    apart = attribute_images(model, x, classes, ExplainerParams(name=name, batch_size=2))
    torch.testing.assert_close(together.maps, apart.maps, rtol=1e-3, atol=1e-5)
    assert together.maps.shape == (3, 32, 32)
    assert (together.maps >= 0).all()
    assert not together.is_zero.any()
    assert together.is_finite.all()
    assert torch.equal(together.classes, classes)


@pytest.mark.parametrize("name", EXPLAINERS)
def test_mode_parameters_and_their_gradients_are_left_alone(name):
    model = classifier().train()
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    attribute_images(model, images(), torch.tensor([0, 1, 2]), ExplainerParams(name=name))
    assert model.training
    assert all(torch.equal(p.grad, torch.ones_like(p)) for p in model.parameters())
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_completeness_is_measured_and_judged_by_the_tolerance():
    model, x, classes = classifier("squeezenet1_1"), images(), torch.tensor([0, 1, 2])
    exact = attribute_images(model, x, classes, ExplainerParams())
    assert exact.completeness_error.max() < 1e-3
    assert exact.is_complete.all()
    rough = ExplainerParams(name="integrated_gradients", n_steps=2, tolerance=1e-6)
    found = attribute_images(model, x, classes, rough)
    assert found.completeness_error.min() > 1e-6
    assert not found.is_complete.any()


def test_integrated_gradients_take_over_where_deeplift_has_no_rule(caplog):
    class Normalised(Linear):
        def forward(self, x):
            return super().forward(functional.layer_norm(x, x.shape[1:]))

    weights = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    model, x, classes = Normalised(weights), torch.rand(2, 3, 4, 4), torch.tensor([0, 1])
    found = attribute_images(model, x, classes, ExplainerParams())
    asked = attribute_images(model, x, classes, ExplainerParams(name="integrated_gradients"))
    assert found.explainer == "integrated_gradients"
    assert "no rule for `layer_norm`" in found.remark
    assert "layer_norm" in caplog.text
    assert torch.equal(found.maps, asked.maps)
    assert asked.remark == ""


@pytest.mark.parametrize(
    "bend",
    [
        lambda x: (x - 0.5).clamp_min(0),
        lambda x: torch.where(x > 0.5, x - 0.5, torch.zeros_like(x)),
        lambda x: functional.threshold(x - 0.5, 0.0, 0.0),
        lambda x: torch.erf(3 * x),
        lambda x: torch.sin(3 * x),
        lambda x: torch.log1p(9 * x),
    ],
    ids=["clamp_min", "where", "threshold", "erf", "sin", "log1p"],
)
def test_integrated_gradients_take_over_where_deeplift_misses_its_sum(bend, caplog):
    class Bent(Linear):
        def forward(self, x):
            return super().forward(bend(1.0 * x))

    generator = torch.Generator().manual_seed(0)
    model = Bent(torch.rand(2, 3, 4, 4, generator=generator))
    x, classes = torch.rand(4, 3, 4, 4, generator=generator), torch.tensor([0, 1, 0, 1])
    found = attribute_images(model, x, classes, ExplainerParams())
    asked = attribute_images(model, x, classes, ExplainerParams(name="integrated_gradients"))
    assert found.explainer == "integrated_gradients"
    assert "DeepLIFT misses its sum by more than 0.05 of it on 4 of 4 images" in found.remark
    assert "misses its sum" in caplog.text
    assert torch.equal(found.maps, asked.maps)
    assert found.is_complete.all()


def test_deeplift_stays_where_integrated_gradients_do_no_better_or_few_images_miss():
    model, x, classes = classifier("squeezenet1_1"), images(), torch.tensor([0, 1, 2])
    strict = attribute_images(model, x, classes, ExplainerParams(tolerance=1e-12, n_steps=2))
    assert (strict.explainer, strict.remark) == ("deeplift", "")
    assert not strict.is_complete.all()
    broken = images().float() / 255
    broken[0, 0, 0, 0] = torch.nan  # of this one nobody can tell how much it misses
    found = attribute_images(model, broken, classes, ExplainerParams())
    assert found.explainer == "deeplift"


def test_an_image_that_is_its_own_baseline_is_flagged_as_all_zero():
    x = images()
    x[1] = 0
    found = attribute_images(classifier(), x, torch.tensor([0, 1, 2]), ExplainerParams())
    assert found.is_zero.tolist() == [False, True, False]
    assert found.is_complete.all()


def test_what_is_not_finite_is_flagged_and_blanked():
    x = images().float() / 255
    x[2, 0, 5, 5] = torch.nan
    found = attribute_images(classifier(), x, torch.tensor([0, 1, 2]), ExplainerParams())
    assert found.is_finite.tolist() == [True, True, False]
    assert found.is_zero.tolist() == [False, False, False]
    assert not found.maps[2].any()
    assert not found.contributions[2].any()
    assert found.is_complete.tolist() == [True, True, False]


def test_grad_cam_is_ours_enlarged():
    model, x, classes = classifier("vgg16").eval(), images(size=64), torch.tensor([1, 3, 0])
    found = attribute_images(model, x, classes, ExplainerParams(name="grad_cam")).maps
    with torch.no_grad():
        features = model.trunk(x.float() / 255)
    cells = grad_cam(model, features, classes)
    enlarged = functional.interpolate(cells[:, None], size=64, mode="bilinear")[:, 0]
    torch.testing.assert_close(found, enlarged)


def test_a_blurred_baseline_keeps_the_mean_and_loses_the_detail():
    x = torch.rand(2, 3, 32, 40, generator=torch.Generator().manual_seed(0))
    blurred = baseline_images(x, "blurred", 0.1)
    assert blurred.shape == x.shape
    torch.testing.assert_close(blurred.mean(dim=(2, 3)), x.mean(dim=(2, 3)), atol=0.03, rtol=0)
    assert blurred.std() < 0.2 * x.std()
    flat = torch.full((1, 3, 8, 8), 0.3)
    torch.testing.assert_close(baseline_images(flat, "blurred", 0.5), flat)
    assert not baseline_images(x, "zero", 0.1).any()


def test_the_true_class_is_explained_where_there_is_one():
    logits = torch.tensor([[0.0, 1.0, 2.0], [3.0, 1.0, 2.0]])
    labels = torch.tensor([1, -1])
    assert explained_classes(logits, labels, "predicted").tolist() == [2, 0]
    assert explained_classes(logits, labels, "true").tolist() == [1, 0]


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="one class for each"):
        attribute_images(classifier(), images(), torch.tensor([0]), ExplainerParams())
    foreign = Linear(torch.zeros(2, 3, 32, 32))
    with pytest.raises(ValueError, match="expected a Classifier"):
        attribute_images(foreign, images(1), torch.tensor([0]), ExplainerParams(name="grad_cam"))
