import pytest
import torch

from models.classifier import build_classifier
from models.concept_graph.portraits import SIDE, embed_portraits
from models.params import ClassifierParams


@pytest.fixture(scope="module")
def network():
    params = ClassifierParams(arch="resnet18", width=0.125, concept_layer="layer2")
    return build_classifier(params, 3, seed=0)


@pytest.fixture
def shots():
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.randint(0, 256, (n, 3, SIDE, SIDE), generator=generator, dtype=torch.uint8)
        for name, n in (("a", 1), ("b", 3), ("c", 2))
    }


def test_a_concept_is_the_mean_of_its_portraits_whatever_the_batch(network, shots):
    together = embed_portraits(network, shots, 64, batch_size=4)
    assert together.shape[0] == 3
    for row, (name, pixels) in enumerate(shots.items()):
        alone = [embed_portraits(network, {name: one[None]}, 64) for one in pixels]
        torch.testing.assert_close(
            together[row], torch.cat(alone).mean(dim=0), rtol=1e-4, atol=1e-5
        )


def test_there_must_be_something_to_embed(network):
    with pytest.raises(ValueError, match="got none"):
        embed_portraits(network, {}, 64)
