import pytest
import torch

from models.classifier import build_classifier
from models.concept_graph.embedding import embed_segments
from models.concept_graph.exemplar_embedding import embed_exemplars, pool_under
from models.concept_graph.exemplars import keep_exemplars
from models.concept_graph.params import ClusterParams, SegmentParams
from models.concept_graph.segments import segment_images
from models.params import ClassifierParams
from tests.models.concept_graph.exemplar_banks import bank_of, exemplars_of


@pytest.fixture(scope="module")
def network():
    params = ClassifierParams(arch="resnet18", width=0.125, concept_layer="layer2")
    return build_classifier(params, 3, seed=0)


def test_a_feature_counts_by_how_much_of_its_cell_is_under_the_mask():
    # Cells of 2x2 pixels. The mask has four pixels of cell 0, two of cell 1 and two of cell 2.
    mask = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]]).bool()
    features = torch.tensor([[[1.0, 2], [4, 100]], [[0, 8], [16, 100]]])[None]
    # (4 * 1 + 2 * 2 + 2 * 4) / 8 and (4 * 0 + 2 * 8 + 2 * 16) / 8.
    torch.testing.assert_close(pool_under(features, mask[None]), torch.tensor([[2.0, 6]]))


def test_a_feature_map_finer_than_the_masks_is_pooled_all_the_same():
    mask = torch.tensor([[[True, False], [False, False]]])
    features = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert pool_under(features, mask).item() == (0 + 1 + 4 + 5) / 4
    # Three cells to two pixels: the pixel covers one cell, two halves and a quarter.
    features = torch.arange(9.0).reshape(1, 1, 3, 3)
    expected = (1 * 0 + 0.5 * 1 + 0.5 * 3 + 0.25 * 4) / 2.25
    torch.testing.assert_close(pool_under(features, mask), torch.tensor([[expected]]))


def test_each_exemplar_has_its_own_mask():
    features = torch.arange(4.0).reshape(1, 1, 2, 2).expand(2, 1, 2, 2)
    masks = torch.eye(2).bool()[None, :, :] ^ torch.tensor([False, True])[:, None, None]
    assert pool_under(features, masks).tolist() == [[1.5], [1.5]]
    masks = torch.zeros(2, 2, 2).bool()
    masks[0, 0, 1] = masks[1, 1, 1] = True
    assert pool_under(features, masks).tolist() == [[1.0], [3.0]]


def test_a_concept_is_the_mean_of_its_exemplars_whatever_the_batch(network):
    exemplars = exemplars_of({"a": [4], "b": [1, 4, 0], "c": [3, 2]}, side=32)
    together = embed_exemplars(network, exemplars, 64, batch_size=2)
    torch.testing.assert_close(together, embed_exemplars(network, exemplars, 64))
    for row, name in enumerate(exemplars.concept_ids):
        alone = embed_exemplars(network, exemplars.of_concepts([name]), 64)
        torch.testing.assert_close(together[row], alone[0])
    backwards = embed_exemplars(network, exemplars.of_concepts(["c", "b", "a"]), 64)
    torch.testing.assert_close(together, backwards.flip(0))


def test_images_that_need_no_shrinking_give_what_mining_saw(network):
    coarse = torch.rand(3, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(coarse, size=(64, 64), mode="bicubic").clamp(0, 1)
    images = (smooth * 255).to(torch.uint8)
    segments = segment_images(images, SegmentParams(n_segments=(15,)), 1)
    rows = [int(segments.rows_of_images(torch.tensor([i]))[1]) for i in range(3)]
    features = embed_segments(network, images, segments, ClusterParams())
    exemplars = keep_exemplars(images, segments, bank_of([[rows[2], rows[0]], [rows[1], -1]]))
    expected = torch.stack([features[[rows[2], rows[0]]].mean(0), features[rows[1]]])
    found = embed_exemplars(network, exemplars, 64)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)


def test_there_must_be_something_to_embed(network):
    with pytest.raises(ValueError, match="got none"):
        embed_exemplars(network, exemplars_of({"a": [0]}).of_concepts([]), 64)
