import pytest
import torch
from torch import nn

from models.attribution import cell_gradients, gate_mask, grad_cam
from models.classifier import build_classifier
from models.params import ClassifierParams


class LinearHead(nn.Module):
    """Logits are the weighted sum of the spatially averaged features, so gradients are known."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def head(self, features):
        return features.mean(dim=(2, 3)) @ self.weight.T


FEATURES = torch.tensor([[[[1.0, 0.0], [0.0, 3.0]], [[0.0, 2.0], [4.0, 0.0]]]])  # (1, 2, 2, 2)


def test_grad_cam_of_a_linear_head_is_the_hand_computed_map():
    # alpha = weight / 4; class 0: (2 * A_0 - 1 * A_1) / 4 = [[2, -2], [-4, 6]] / 4 -> relu, / max
    cam = grad_cam(LinearHead([[2.0, -1.0], [0.0, 1.0]]), FEATURES, torch.tensor([0]))
    torch.testing.assert_close(cam, torch.tensor([[[2 / 6, 0], [0, 1]]]))


def test_grad_cam_is_zero_where_nothing_speaks_for_the_class():
    cam = grad_cam(LinearHead([[-1.0, -1.0], [1.0, 1.0]]), FEATURES, torch.tensor([0]))
    assert torch.equal(cam, torch.zeros(1, 2, 2))


def test_cell_gradients_of_a_linear_head_are_its_weights_over_the_cells():
    gradients = cell_gradients(LinearHead([[2.0, -1.0]]), FEATURES, torch.tensor([0]))
    assert torch.equal(gradients, torch.tensor([2.0, -1.0]).view(1, 2, 1, 1).expand(1, 2, 2, 2) / 4)


def test_each_image_gets_the_gradient_of_its_own_class():
    model = build_classifier(ClassifierParams(arch="resnet18", width=0.125), 4)
    images = torch.rand(3, 3, 64, 64)
    features = model.eval().trunk(images).detach()
    classes = torch.tensor([2, 0, 3])
    together = cell_gradients(model, features, classes)
    for i in range(3):
        alone = cell_gradients(model, features[i : i + 1], classes[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone)


def test_parameters_and_mode_are_left_alone():
    model = build_classifier(ClassifierParams(arch="resnet18", width=0.125), 4).train()
    with torch.no_grad():
        features = model.trunk(torch.rand(2, 3, 64, 64))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    grad_cam(model, features, torch.tensor([0, 1]))
    assert model.training
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(v, before[n]) for n, v in model.state_dict().items())


# captum hooks with a deprecated kind of backward hook and warns about it on every call.
@pytest.mark.filterwarnings("ignore:Setting forward, backward hooks:UserWarning")
@pytest.mark.parametrize("arch", ["vgg16", "resnet18", "squeezenet1_1"])
def test_grad_cam_agrees_with_captum(arch):
    from captum.attr import LayerGradCam

    model = build_classifier(ClassifierParams(arch=arch, width=0.125), 4).eval()
    # The untrained last layer is nearly constant; spread it so that maps differ from rounding
    # noise.
    with torch.no_grad():
        model.get_submodule(model.classifier_name).weight.mul_(50)
    images = torch.rand(3, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    classes = torch.tensor([1, 3, 0])
    layer = dict(model.stages())[{"resnet18": "layer3.1"}.get(arch, model.concept_layer)]
    oracle = LayerGradCam(lambda x: model(x).logits, layer).attribute(
        images, target=classes, relu_attributions=True
    )[:, 0]
    oracle = oracle / oracle.amax(dim=(1, 2), keepdim=True).clamp_min(1e-30)
    cam = grad_cam(model, model.trunk(images), classes)
    assert (cam > 0).any()
    torch.testing.assert_close(cam, oracle.detach(), rtol=1e-4, atol=1e-5)


def test_the_gate_keeps_the_asked_share_of_pixels():
    cam = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0)) + 0.01
    for share in (0.2, 0.5, 0.9):
        kept = gate_mask(cam, (96, 64), share).float().mean(dim=(1, 2))
        assert torch.allclose(kept, torch.full((3,), share), atol=0.01)


def test_the_gate_keeps_the_highest_pixels():
    cam = torch.tensor([[[0.0, 0.1], [0.2, 1.0]]])
    assert gate_mask(cam, (2, 2), 0.25).tolist() == [[[False, False], [False, True]]]
    assert gate_mask(cam, (2, 2), 0.5).tolist() == [[[False, False], [True, True]]]


def test_pixels_without_attribution_are_not_kept():
    cam = torch.tensor([[[0.0, 0.0], [0.0, 1.0]]])
    assert gate_mask(cam, (2, 2), 0.75).tolist() == [[[False, False], [False, True]]]


def test_an_all_zero_map_does_not_gate_and_a_share_of_one_keeps_everything():
    cam = torch.stack([torch.zeros(2, 2), torch.tensor([[0.0, 0.0], [0.0, 1.0]])])
    assert gate_mask(cam, (4, 4), 0.5)[0].all()
    assert gate_mask(cam, (4, 4), 1.0).all()


def test_a_constant_map_keeps_everything():
    assert gate_mask(torch.full((1, 2, 2), 0.7), (4, 4), 0.5).all()


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="got 0"):
        gate_mask(torch.zeros(1, 2, 2), (4, 4), 0)
    with pytest.raises(ValueError, match="one class per image"):
        cell_gradients(LinearHead([[1.0, 1.0]]), FEATURES, torch.tensor([0, 0]))
