import pytest
import torch

from models.concept_graph import exemplars as module
from models.concept_graph.exemplars import MOST_PER_CONCEPT, SIDE, keep_exemplars
from models.concept_graph.segment_set import SegmentSet
from tests.models.concept_graph.exemplar_banks import assert_same, bank_of, exemplars_of


def quarters(n: int, size: int) -> SegmentSet:
    """Every image in four: rows 4i to 4i+3 are the quarters of image i, line by line."""
    half = size // 2
    labels = torch.arange(4).reshape(2, 2).repeat_interleave(half, 0).repeat_interleave(half, 1)
    corners = torch.tensor([[0, 0], [half, 0], [0, half], [half, half]])
    return SegmentSet(
        label_maps=labels.to(torch.uint8).repeat(n, 1, 1, 1),
        image_index=torch.arange(n).repeat_interleave(4),
        level=torch.zeros(4 * n, dtype=torch.int64),
        label=torch.arange(4).repeat(n),
        area=torch.full((4 * n,), 0.25),
        centroid=((corners + half / 2) / size).repeat(n, 1),
        box=torch.cat([corners, corners + half], dim=1).repeat(n, 1),
    )


def plain(values, size):
    """Images of one grey each."""
    return torch.tensor(values, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, size, size)


def test_an_image_that_two_concepts_share_is_kept_once_and_an_unused_one_not_at_all():
    images = plain([10, 20, 30, 40], 8)
    # Image 3 has row 12, image 1 rows 4 and 7; images 0 and 2 show no exemplar.
    found = keep_exemplars(images, quarters(4, 8), bank_of([[12, 4], [7, -1]]))
    assert torch.equal(found.images, plain([20, 40], 8))
    assert found.concept_ids == ("a/k0", "a/k1")
    assert found.owner.tolist() == [0, 0, 1]
    assert found.image_of.tolist() == [1, 0, 0]
    corners = torch.zeros(3, 8, 8, dtype=torch.bool)
    corners[:2, :4, :4] = corners[2, 4:, 4:] = True
    assert torch.equal(found.masks, corners)


def test_images_shrink_and_their_segments_with_them():
    size = 2 * SIDE
    found = keep_exemplars(plain([7, 9], size), quarters(2, size), bank_of([[5]]))
    assert torch.equal(found.images, plain([9], SIDE))
    right = torch.zeros(1, SIDE, SIDE, dtype=torch.bool)
    right[0, : SIDE // 2, SIDE // 2 :] = True
    assert torch.equal(found.masks, right)


def test_a_segment_finer_than_the_kept_pixels_is_where_it_fills_most(monkeypatch):
    monkeypatch.setattr(module, "SIDE", 2)
    segments = quarters(1, 8)
    # Three pixels of the left upper quarter of sixteen, and one of the right upper one.
    segments.label_maps[0, 0] = 0
    segments.label_maps[0, 0, 0, 1:5] = 1
    found = keep_exemplars(plain([0], 8), segments, bank_of([[1]]))
    assert found.masks.tolist() == [[[True, False], [False, False]]]


def test_the_most_typical_are_kept_and_fewer_of_each_when_there_are_many(monkeypatch):
    images, segments = plain([1, 2, 3, 4, 5], 8), quarters(5, 8)
    bank = bank_of([[16, 8, 0, 4, 12], [-1] * 5, [12, 0, -1, -1, -1]])
    found = keep_exemplars(images, segments, bank)
    assert found.concept_ids == ("a/k0", "a/k2")
    assert found.owner.tolist() == [0] * MOST_PER_CONCEPT + [1, 1]
    assert found.images[found.image_of, 0, 0, 0].tolist() == [5, 3, 1, 4, 1]
    monkeypatch.setattr(module, "MOST", 3)
    few = keep_exemplars(images, segments, bank)
    assert few.images[few.image_of, 0, 0, 0].tolist() == [5, 4]
    monkeypatch.setattr(module, "MOST", 1)
    one = keep_exemplars(images, segments, bank)
    assert (one.concept_ids, len(one.images)) == (("a/k0",), 1)


def test_a_bank_without_exemplars_keeps_no_image():
    found = keep_exemplars(plain([1], 8), quarters(1, 8), bank_of([[-1], [-1]]))
    assert (found.concept_ids, tuple(found.images.shape)) == ((), (0, 3, 8, 8))


def test_concepts_are_taken_by_name_in_the_order_asked_with_no_image_that_they_do_not_need():
    every = exemplars_of({"a": [2, 0], "b": [1], "c": [2, 3]})
    found = every.of_concepts(["c", "nobody", "a"])
    assert found.concept_ids == ("c", "a")
    assert found.owner.tolist() == [0, 0, 1, 1]
    assert torch.equal(found.images, every.images[[0, 2, 3]])
    assert found.image_of.tolist() == [1, 2, 1, 0]
    assert torch.equal(found.masks, every.masks[[3, 4, 0, 1]])
    assert_same(every.of_concepts(every.concept_ids), every)
    assert len(every.of_concepts(["nobody"]).images) == 0


@pytest.mark.parametrize("size", [8, 96])
def test_what_is_small_enough_is_kept_to_the_byte(size):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (1, 3, size, size), generator=generator, dtype=torch.uint8)
    assert torch.equal(keep_exemplars(images, quarters(1, size), bank_of([[0]])).images, images)
