import pytest
import torch
from sklearn.metrics import normalized_mutual_info_score

from models.concept_graph.quality import cluster_quality, majority_parts
from models.concept_graph.segment_set import SegmentSet


def test_perfect_clusters_score_one_whatever_their_numbers():
    quality = cluster_quality(torch.tensor([5, 5, 2, 2]), torch.tensor([0, 0, 1, 1]))
    assert quality.nmi == pytest.approx(1)
    assert quality.purity == 1


def test_purity_by_hand():
    # Cluster 0 holds parts 0, 0, 1; cluster 1 holds 1, 2: two and one of five.
    quality = cluster_quality(torch.tensor([0, 0, 0, 1, 1]), torch.tensor([0, 0, 1, 1, 2]))
    assert quality.purity == pytest.approx(3 / 5)


def test_nmi_agrees_with_scikit_learn():
    generator = torch.Generator().manual_seed(0)
    clusters = torch.randint(0, 6, (200,), generator=generator)
    parts = torch.where(
        torch.rand(200, generator=generator) < 0.5,
        clusters % 3,
        torch.randint(0, 4, (200,), generator=generator),
    )
    expected = normalized_mutual_info_score(parts.numpy(), clusters.numpy())
    assert cluster_quality(clusters, parts).nmi == pytest.approx(expected, abs=1e-6)


def test_segments_outside_every_cluster_are_left_out():
    with_strays = cluster_quality(torch.tensor([0, -1, 1, -1]), torch.tensor([0, 1, 1, 0]))
    assert with_strays == cluster_quality(torch.tensor([0, 1]), torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="at least one segment"):
        cluster_quality(torch.tensor([-1]), torch.tensor([0]))


def test_a_segments_part_is_the_one_that_covers_most_of_it():
    label_map = torch.zeros(1, 1, 2, 4, dtype=torch.uint8)
    label_map[..., 2:] = 1
    segments = SegmentSet(
        label_maps=label_map,
        image_index=torch.tensor([0, 0]),
        level=torch.tensor([0, 0]),
        label=torch.tensor([0, 1]),
        area=torch.tensor([0.5, 0.5]),
        centroid=torch.tensor([[0.25, 0.5], [0.75, 0.5]]),
        box=torch.tensor([[0, 0, 2, 2], [2, 0, 4, 2]]),
    )
    part_map = torch.tensor([[[2, 2, 0, 1], [2, 0, 0, 1]]])
    assert majority_parts(part_map, segments).tolist() == [2, 0]
