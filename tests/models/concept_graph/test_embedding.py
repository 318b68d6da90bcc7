import pytest
import torch

from models.classifier import build_classifier
from models.concept_graph.embedding import embed_segments, pooled_embedding
from models.concept_graph.params import ClusterParams, SegmentParams
from models.concept_graph.segment_set import SegmentSet
from models.concept_graph.segments import segment_images
from models.params import ClassifierParams


def _images(n: int, size: int = 64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    small = torch.rand(n, 3, size // 8, size // 8, generator=generator)
    return (torch.nn.functional.interpolate(small, size=size, mode="bicubic") * 255).byte()


def _halves(n: int) -> SegmentSet:
    left_right = torch.zeros(n, 1, 4, 4, dtype=torch.uint8)
    left_right[..., 2:] = 1
    return SegmentSet(
        label_maps=left_right,
        image_index=torch.arange(n).repeat_interleave(2),
        level=torch.zeros(2 * n, dtype=torch.int64),
        label=torch.tensor([0, 1]).repeat(n),
        area=torch.full((2 * n,), 0.5),
        centroid=torch.tensor([[0.25, 0.5], [0.75, 0.5]]).repeat(n, 1),
        box=torch.tensor([[0, 0, 2, 4], [2, 0, 4, 4]]).repeat(n, 1),
    )


def test_pooling_averages_the_cells_under_each_segment():
    features = torch.arange(16.0).reshape(2, 2, 2, 2)  # two images, two features, 2x2 cells
    pooled = pooled_embedding(features, _halves(2))
    torch.testing.assert_close(pooled, torch.tensor([[1.0, 5], [2, 6], [9, 13], [10, 14]]))


def test_pooling_constant_features_gives_the_constant():
    segments = segment_images(_images(2), SegmentParams())
    features = torch.ones(2, 3, 5, 7) * torch.tensor([1.0, -2, 3])[:, None, None]
    pooled = pooled_embedding(features, segments)
    torch.testing.assert_close(pooled, torch.tensor([[1.0, -2, 3]]).expand(len(segments), 3))


def test_pooling_handles_an_image_without_segments():
    segments = _halves(3)
    segments = segments.select(segments.image_index != 1)
    features = torch.randn(3, 5, 2, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(
        pooled_embedding(features, segments)[2:], pooled_embedding(features[2:], _halves(1))
    )


def test_pooling_refuses_features_of_other_images():
    with pytest.raises(ValueError, match="one feature map per image, 2"):
        pooled_embedding(torch.ones(3, 2, 2, 2), _halves(2))


@pytest.mark.parametrize("embedding", ["pooled", "patch"])
def test_embedding_does_not_depend_on_the_batch_size(embedding):
    images = _images(3)
    segments = segment_images(images, SegmentParams(n_segments=(6,)))
    model = build_classifier(ClassifierParams(arch="squeezenet1_1", width=0.25), 3)
    params = ClusterParams(embedding=embedding)
    one = embed_segments(model, images, segments, params, batch_size=1)
    all_at_once = embed_segments(model, images, segments, params, batch_size=64)
    torch.testing.assert_close(one, all_at_once, rtol=1e-4, atol=1e-5)
    assert model.training


def test_normalised_embeddings_have_unit_length():
    images = _images(1)
    segments = segment_images(images, SegmentParams(n_segments=(6,)))
    model = build_classifier(ClassifierParams(arch="squeezenet1_1", width=0.25), 3)
    embeddings = embed_segments(model, images, segments, ClusterParams(normalise=True))
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(len(segments)))


@pytest.mark.gpu
def test_embedding_on_a_gpu_equals_the_cpus():
    images = _images(3)
    segments = segment_images(images, SegmentParams())
    model = build_classifier(ClassifierParams(arch="resnet18", width=0.25), 3)
    expected = embed_segments(model, images, segments, ClusterParams())
    on_gpu = embed_segments(model.to("cuda"), images, segments, ClusterParams())
    torch.testing.assert_close(on_gpu.cpu(), expected, rtol=1e-2, atol=1e-3)
