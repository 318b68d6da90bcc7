import pytest
import torch

from models.classifier import build_classifier
from models.imageset import ImageSet
from models.params import ClassifierParams
from models.prediction import evaluate_classifier, predict_logits


@pytest.fixture(scope="module")
def data():
    images = torch.randint(0, 256, (9, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 0, 0, 0, 0, 0, 1, 1, 2])
    return ImageSet(images.to(torch.uint8), labels, tuple("abcdefghi"), ("x", "y", "z"))


def network():
    return build_classifier(ClassifierParams(width=0.125), 3)


def test_predicted_logits_do_not_depend_on_the_batch_size(data):
    model = network().train()
    first, second = (predict_logits(model, data.images, size) for size in (4, 9))
    torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-5)
    assert first.shape == (9, 3)
    assert model.training


def test_accuracy_is_the_mean_over_classes(data):
    model = network()
    with torch.no_grad():
        model.fc.weight.zero_()
        model.fc.bias.copy_(torch.tensor([1.0, 0.0, 0.0]))  # always the first class
    metrics = evaluate_classifier(model, data)
    assert metrics["accuracy"] == pytest.approx(1 / 3)
    # cross-entropies of softmax(1, 0, 0): log(e + 2) - 1 for 6 images, log(e + 2) for 3
    assert metrics["validation_loss"] == pytest.approx(1.5514 - 6 / 9, abs=1e-4)
