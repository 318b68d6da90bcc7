import pytest
import torch

from feedback.errors import NoConceptsFoundError
from models.concept_graph.concepts import is_popular, mine_concepts
from models.concept_graph.params import ClusterParams, ConceptGraphParams, GateParams, GraphParams
from models.concept_graph.segment_set import SegmentSet


def _segments(n_images: int, per_image: int) -> SegmentSet:
    n = n_images * per_image
    return SegmentSet(
        label_maps=torch.zeros(n_images, 1, 2, 2, dtype=torch.uint8),
        image_index=torch.arange(n_images).repeat_interleave(per_image),
        level=torch.zeros(n, dtype=torch.int64),
        label=torch.arange(per_image).repeat(n_images),
        area=torch.full((n,), 0.25),
        centroid=torch.full((n, 2), 0.5),
        box=torch.tensor([[0, 0, 1, 1]]).repeat(n, 1),
    )


def _params(**changes) -> ConceptGraphParams:
    clusters = {"n_clusters": 2, "min_segments": 3, "n_exemplars": 3, **changes}
    return ConceptGraphParams(clusters=ClusterParams(**clusters))


def _two_blobs() -> tuple[SegmentSet, torch.Tensor]:
    # Every image has one segment near (0, 0) and one near (10, 0); offsets grow with the image.
    embeddings = torch.tensor([[0.0, 0], [10, 0]]).repeat(5, 1)
    embeddings[:, 1] = torch.arange(5).repeat_interleave(2) * 0.1
    return _segments(5, 2), embeddings


def test_clusters_are_the_blobs_with_their_means_and_quantile_thresholds():
    segments, embeddings = _two_blobs()
    bank, members = mine_concepts(3, "tank", segments, embeddings, torch.ones(10), _params(), 0)
    assert bank.concept_ids == ("tank/k00", "tank/k01")
    assert bank.class_ids.tolist() == [3, 3]
    near = int(bank.centres[:, 0].argmin())
    torch.testing.assert_close(bank.centres[near], torch.tensor([0.0, 0.2]))
    # Distances 0.2, 0.1, 0, 0.1, 0.2; their 95 % quantile is 0.2.
    assert bank.thresholds[near] == pytest.approx(0.2)
    assert members.tolist() == [near, 1 - near] * 5
    assert bank.n_segments.tolist() == [5, 5]
    assert bank.n_images.tolist() == [5, 5]
    assert bank.popular.tolist() == [True, True]
    assert bank.detection_rate.tolist() == [1.0, 1.0]
    assert bank.exemplar_segments[near, 0] == 4  # image 2 lies on the centre
    assert bank.tcav_score.isnan().all()


def test_segments_outside_the_gate_belong_to_no_concept():
    segments, embeddings = _two_blobs()
    coverage = torch.tensor([0.9, 0.1] * 5)
    bank, members = mine_concepts(0, "a", segments, embeddings, coverage, _params(), 0)
    assert (members[1::2] == -1).all()
    assert bank.centres[:, 0].max() < 1
    torch.testing.assert_close(bank.gate_share, torch.full((len(bank),), 0.9))


def test_a_disabled_gate_takes_every_segment_and_still_reports_its_share():
    segments, embeddings = _two_blobs()
    params = _params().model_copy(update={"gate": GateParams(enabled=False)})
    coverage = torch.tensor([0.9, 0.1] * 5)
    bank, members = mine_concepts(0, "a", segments, embeddings, coverage, params, 0)
    assert (members >= 0).all()
    torch.testing.assert_close(bank.gate_share.sort().values, torch.tensor([0.1, 0.9]))


def test_exemplars_come_from_distinct_images():
    segments = _segments(2, 4)
    embeddings = torch.arange(8.0)[:, None] * 0.01
    params = _params(n_exemplars=5)
    bank, members = mine_concepts(0, "a", segments, embeddings, torch.ones(8), params, 0)
    for row in bank.exemplar_segments:
        chosen = row[row >= 0]
        images = segments.image_index[chosen]
        assert len(images.unique()) == len(images)
        assert (row[len(chosen) :] == -1).all()
        assert len(members[chosen].unique()) == 1


def test_unpopular_clusters_stay_in_the_bank():
    segments, embeddings = _two_blobs()
    embeddings[1::2] = 0.0
    embeddings[1] = 50.0  # a cluster of one
    bank, _ = mine_concepts(0, "a", segments, embeddings, torch.ones(10), _params(), 0)
    assert sorted(bank.popular.tolist()) == [False, True]


def test_mining_twice_gives_the_same():
    generator = torch.Generator().manual_seed(0)
    embeddings = torch.randn(60, 4, generator=generator)
    segments = _segments(10, 6)
    params = _params(n_clusters=7)
    first = mine_concepts(0, "a", segments, embeddings, torch.ones(60), params, 5)
    second = mine_concepts(0, "a", segments, embeddings, torch.ones(60), params, 5)
    assert torch.equal(first.members, second.members)
    assert torch.equal(first.bank.centres, second.bank.centres)


def test_members_lie_nearest_to_their_own_centre():
    embeddings = torch.randn(60, 4, generator=torch.Generator().manual_seed(1))
    params = _params(n_clusters=7)
    bank, members = mine_concepts(0, "a", _segments(10, 6), embeddings, torch.ones(60), params, 0)
    assert torch.equal(torch.cdist(embeddings, bank.centres).argmin(1), members)


def test_the_threshold_quantile_is_honoured():
    embeddings = torch.randn(60, 4, generator=torch.Generator().manual_seed(1))
    params = _params().model_copy(update={"graph": GraphParams(threshold_quantile=1.0)})
    bank, members = mine_concepts(0, "a", _segments(10, 6), embeddings, torch.ones(60), params, 0)
    own = (embeddings - bank.centres[members]).norm(dim=1)
    for row in range(len(bank)):
        assert bank.thresholds[row] == pytest.approx(float(own[members == row].max()), rel=1e-4)


def test_fewer_segments_than_clusters_shrink_k():
    bank, _ = mine_concepts(
        0, "a", _segments(1, 3), torch.eye(3), torch.ones(3), _params(n_clusters=25), 0
    )
    assert len(bank) == 3


def test_an_empty_gate_is_explained():
    segments, embeddings = _two_blobs()
    with pytest.raises(NoConceptsFoundError, match=r"gate\.enabled=false"):
        mine_concepts(0, "a", segments, embeddings, torch.zeros(10), _params(), 0)


@pytest.mark.parametrize(
    ("n_segments", "n_images", "popular"),
    [
        (19, 19, False),  # too few segments
        (20, 11, True),  # u > 0.5 m
        (20, 10, False),  # u = 0.5 m, u <= 0.25 m and T
        (40, 13, True),  # u > 0.25 m and u > 0.25 T = 12.5
        (40, 12, False),  # u > 0.25 m but not 0.25 T
        (200, 26, True),  # u > 0.1 m and u > 0.5 T = 25
        (200, 25, False),
    ],
)
def test_popularity_rules_at_fifty_images(n_segments, n_images, popular):
    assert is_popular(n_segments, n_images, 50, 20) is popular
