import pytest
import torch
from torch import Tensor

from models.concept_graph.bank import ConceptBank
from models.concept_graph.graph import ClassGraph
from models.concept_graph.matching import concept_distances, match_images
from tests.models.concept_graph.concept_banks import make_bank


def _bank(centres: Tensor, thresholds: Tensor) -> ConceptBank:
    return make_bank([f"c/k{row}" for row in range(len(centres))], centres, thresholds=thresholds)


def _graph(*rows: int) -> ClassGraph:
    k = len(rows)
    return ClassGraph(0, "c", tuple(f"c/k{row}" for row in rows), ("auto",) * (k * (k - 1)))


def _slow_match(
    embeddings: Tensor, image_index: Tensor, n_images: int, rows: list[int], bank: ConceptBank
) -> list[list[tuple[int, bool]]]:
    """Walk image by image and slot by slot: the rule of methods A.3, as plain as it can be said."""
    result = []
    for image in range(n_images):
        free = [s for s in range(len(image_index)) if image_index[s] == image]
        slots = []
        for row in rows:
            if not free:
                slots.append((-1, False))
                continue
            distance = {s: float((embeddings[s] - bank.centres[row]).norm()) for s in free}
            nearest = min(free, key=lambda s: distance[s])
            present = distance[nearest] <= float(bank.thresholds[row])
            if present:
                free.remove(nearest)
            slots.append((nearest, present))
        result.append(slots)
    return result


def test_the_first_slot_takes_the_segment_that_both_want() -> None:
    bank = _bank(torch.tensor([[0.0], [1.0]]), torch.tensor([10.0, 10.0]))
    embeddings = torch.tensor([[0.6], [3.0]])
    matched = match_images(
        embeddings, torch.zeros(2, dtype=torch.int64), torch.tensor([[0.1, 0.2], [0.3, 0.4]]), 1,
        [_graph(0, 1), _graph(1, 0)], bank,
    )  # fmt: skip
    assert matched.segment_index.tolist() == [[[0, 1], [0, 1]]]
    assert torch.allclose(matched.distances, torch.tensor([[[0.6, 2.0], [0.4, 3.0]]]))
    assert torch.allclose(matched.positions[0, 0], torch.tensor([[0.1, 0.2], [0.3, 0.4]]))
    assert matched.present.all()


def test_an_undetected_concept_leaves_its_segment_to_the_next() -> None:
    bank = _bank(torch.tensor([[0.0], [1.0]]), torch.tensor([0.5, 10.0]))
    matched = match_images(
        torch.tensor([[0.6], [3.0]]), torch.zeros(2, dtype=torch.int64), torch.zeros(2, 2), 1,
        [_graph(0, 1)], bank,
    )  # fmt: skip
    assert matched.present.tolist() == [[[False, True]]]
    assert matched.segment_index.tolist() == [[[0, 0]]]


def test_matching_agrees_with_a_walk_over_images_and_slots() -> None:
    generator = torch.Generator().manual_seed(3)
    centres = 5 + torch.randn(6, 8, generator=generator)
    bank = _bank(centres, 3.5 + torch.rand(6, generator=generator))
    embeddings = 5 + torch.randn(90, 8, generator=generator)
    image_index = torch.randint(0, 11, (90,), generator=generator)  # unsorted on purpose
    graphs = [_graph(0, 1, 2), _graph(5, 3, 4)]
    matched = match_images(
        embeddings, image_index, torch.rand(90, 2, generator=generator), 12, graphs, bank
    )
    for position, rows in enumerate([[0, 1, 2], [5, 3, 4]]):
        slow = _slow_match(embeddings, image_index, 12, rows, bank)
        assert matched.segment_index[:, position].tolist() == [[s for s, _ in i] for i in slow]
        assert matched.present[:, position].tolist() == [[p for _, p in i] for i in slow]
    assert 0 < float(matched.present.float().mean()) < 1
    found = matched.segment_index >= 0
    assert torch.equal(matched.nodes[found], embeddings[matched.segment_index[found]])


def test_segments_outside_the_gate_are_not_taken() -> None:
    bank = _bank(torch.tensor([[0.0], [1.0]]), torch.tensor([10.0, 10.0]))
    matched = match_images(
        torch.tensor([[0.0], [1.0]]), torch.zeros(2, dtype=torch.int64), torch.ones(2, 2), 1,
        [_graph(0, 1)], bank, allowed=torch.tensor([False, True]),
    )  # fmt: skip
    assert matched.segment_index.tolist() == [[[1, -1]]]
    assert matched.present.tolist() == [[[True, False]]]
    assert matched.nodes[0, 0, 1].tolist() == [0.0]
    assert matched.positions[0, 0, 1].tolist() == [0.0, 0.0]


def test_an_image_without_segments_has_no_concepts() -> None:
    bank = _bank(torch.zeros(2, 3), torch.tensor([torch.inf, torch.inf]))
    nothing = match_images(
        torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64), torch.zeros(0, 2), 2,
        [_graph(0, 1)], bank,
    )  # fmt: skip
    assert not nothing.present.any()
    assert (nothing.segment_index == -1).all()


def test_the_order_of_images_does_not_matter() -> None:
    generator = torch.Generator().manual_seed(0)
    bank = _bank(torch.randn(2, 4, generator=generator), torch.full((2,), 2.0))
    embeddings = torch.randn(20, 4, generator=generator)
    image_index = torch.arange(20) // 5
    new_number = torch.tensor([2, 0, 3, 1])
    before = match_images(embeddings, image_index, torch.zeros(20, 2), 4, [_graph(0, 1)], bank)
    after = match_images(
        embeddings, new_number[image_index], torch.zeros(20, 2), 4, [_graph(0, 1)], bank
    )
    assert torch.equal(after.nodes[new_number], before.nodes)
    assert torch.equal(after.present[new_number], before.present)


def test_distances_far_from_the_origin_keep_float32_accuracy() -> None:
    generator = torch.Generator().manual_seed(1)
    offset = 100.0
    segments = offset + torch.randn(50, 64, generator=generator)
    centres = offset + torch.randn(5, 64, generator=generator)
    exact = torch.cdist(
        segments.double(), centres.double(), compute_mode="donot_use_mm_for_euclid_dist"
    )
    torch.testing.assert_close(
        concept_distances(segments, centres).double(), exact, rtol=1e-5, atol=1e-5
    )


def test_graphs_of_unequal_size_are_refused() -> None:
    bank = _bank(torch.zeros(5, 1), torch.ones(5))
    with pytest.raises(ValueError, match=r"got sizes \[2, 3\]"):
        match_images(
            torch.zeros(1, 1), torch.zeros(1, dtype=torch.int64), torch.zeros(1, 2), 1,
            [_graph(0, 1), _graph(2, 3, 4)], bank,
        )  # fmt: skip


@pytest.mark.gpu
def test_a_gpu_matches_as_the_cpu_does() -> None:
    generator = torch.Generator().manual_seed(3)
    bank = _bank(torch.randn(4, 8, generator=generator), torch.full((4,), 3.0))
    values = torch.randn(60, 8, generator=generator)
    image_index, centroids = torch.arange(60) // 10, torch.rand(60, 2, generator=generator)
    graphs = [_graph(0, 1), _graph(2, 3)]
    cpu = match_images(values, image_index, centroids, 6, graphs, bank)
    gpu = match_images(values.cuda(), image_index.cuda(), centroids.cuda(), 6, graphs, bank)
    assert torch.equal(gpu.segment_index.cpu(), cpu.segment_index)
    torch.testing.assert_close(gpu.distances.cpu(), cpu.distances, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("slack", "present"), [(1.0, False), (1.9, False), (2.0, True)])
def test_slack_widens_every_threshold(slack: float, present: bool) -> None:
    bank = _bank(torch.tensor([[0.0, 0.0], [9.0, 9.0]]), torch.tensor([1.0, 1.0]))
    matched = match_images(
        torch.tensor([[2.0, 0.0]]), torch.tensor([0]), torch.zeros(1, 2), 1,
        [_graph(0, 1)], bank, slack=slack,
    )  # fmt: skip
    assert matched.present[0, 0].tolist() == [present, False]
    assert matched.distances[0, 0, 0] == 2
