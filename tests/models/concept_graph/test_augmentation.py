from dataclasses import replace

import pytest
import torch

from models.concept_graph.augmentation import (
    augment_edits,
    blank_regions,
    rejected_regions,
    transplant_regions,
)
from models.concept_graph.graph import ClassGraph
from models.concept_graph.segment_set import SegmentSet
from tests.models.concept_graph.image_graphs import make_image_graphs


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def region(shape, rows, columns):
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[rows, columns] = True
    return mask


def test_a_blanked_region_takes_the_mean_colour_of_its_ring_and_nothing_else_changes():
    images = torch.full((1, 3, 40, 40), 100, dtype=torch.uint8)
    images[:, :, 10:20, 10:20] = 250
    images[:, :, 30:, 30:] = 7  # farther than the ring
    mask = region((40, 40), slice(10, 20), slice(10, 20))[None]
    blanked = blank_regions(images, mask)
    assert (blanked[:, :, 10:20, 10:20] == 100).all()
    assert (blanked[:, :, 30:, 30:] == 7).all()
    assert (images[:, :, 10:20, 10:20] == 250).all()
    assert torch.equal(blank_regions(blanked, mask), blanked)


def test_channels_are_blanked_each_with_its_own_mean():
    images = torch.zeros((1, 3, 20, 20), dtype=torch.uint8)
    images[0, 0], images[0, 1], images[0, 2] = 10, 20, 30
    images[..., 8:12, 8:12] = 255
    blanked = blank_regions(images, region((20, 20), slice(8, 12), slice(8, 12))[None])
    assert blanked[0, :, 9, 9].tolist() == [10, 20, 30]


def test_an_empty_region_changes_nothing_and_a_full_one_takes_the_image_s_mean():
    images = torch.zeros((2, 3, 8, 8), dtype=torch.uint8)
    images[:, :, :4] = 200
    mask = torch.stack([torch.zeros(8, 8), torch.ones(8, 8)]).bool()
    blanked = blank_regions(images, mask)
    assert torch.equal(blanked[0], images[0])
    assert (blanked[1] == 100).all()


def test_transplanting_moves_the_region_to_other_classes_and_keeps_their_labels():
    images = torch.stack([torch.full((3, 6, 6), v, dtype=torch.uint8) for v in (10, 20, 30)])
    labels = torch.tensor([0, 1, 1])
    mask = torch.zeros(3, 6, 6, dtype=torch.bool)
    mask[0, 2:4, 2:4] = True
    copies = transplant_regions(images, labels, mask, generator())
    # Class 1 has no donor for class 0, so only the two images of class 1 are copied.
    assert copies.source_index.tolist() == [1, 2]
    assert copies.labels.tolist() == [1, 1]
    assert (copies.images[:, :, 2:4, 2:4] == 10).all()
    assert copies.images[0, 0, 0, 0] == 20
    assert copies.images[1, 0, 0, 0] == 30


def test_a_donor_is_always_of_another_class():
    labels = torch.arange(3).repeat(20)
    images = (labels * 50).to(torch.uint8)[:, None, None, None].repeat(1, 3, 4, 4)
    mask = torch.zeros(60, 4, 4, dtype=torch.bool)
    mask[:, 1, 1] = True
    copies = transplant_regions(images, labels, mask, generator(4))
    given = copies.images[:, 0, 1, 1].long() // 50
    assert len(copies.images) == 60
    assert (given != copies.labels).all()
    assert len(given[copies.labels == 0].unique()) == 2
    again = transplant_regions(images, labels, mask, generator(4))
    assert torch.equal(copies.images, again.images)


def test_without_any_region_there_are_no_copies():
    images = torch.zeros((2, 3, 4, 4), dtype=torch.uint8)
    none = torch.zeros(2, 4, 4, dtype=torch.bool)
    for mode in ("blank", "transplant"):
        copies = augment_edits(images, torch.tensor([0, 1]), none, mode, generator())
        assert copies.images.shape == (0, 3, 4, 4)
        assert len(copies.labels) == len(copies.source_index) == 0


def test_blanking_copies_only_images_with_a_region():
    images = torch.zeros((3, 3, 8, 8), dtype=torch.uint8)
    mask = torch.zeros(3, 8, 8, dtype=torch.bool)
    mask[2, 1, 1] = True
    copies = augment_edits(images, torch.tensor([5, 6, 7]), mask, "blank", generator())
    assert copies.source_index.tolist() == [2]
    assert copies.labels.tolist() == [7]


def test_regions_of_another_size_are_refused():
    with pytest.raises(ValueError, match="expected bool regions"):
        blank_regions(
            torch.zeros((1, 3, 8, 8), dtype=torch.uint8), torch.zeros(1, 4, 4, dtype=torch.bool)
        )


def test_a_region_is_the_detected_segment_of_a_concept_rejected_for_the_image_s_own_class():
    label_map = torch.zeros(4, 4, dtype=torch.uint8)
    label_map[:2] = 1
    maps = label_map.repeat(4, 1, 1, 1)  # 4 images, one resolution, two segments each
    image = torch.arange(4).repeat_interleave(2)
    label = torch.tensor([0, 1] * 4)
    segments = SegmentSet(
        label_maps=maps,
        image_index=image,
        level=torch.zeros(8, dtype=torch.int64),
        label=label,
        area=torch.full((8,), 0.5),
        centroid=torch.zeros(8, 2),
        box=torch.zeros(8, 4, dtype=torch.int64),
    )
    cat = ClassGraph(0, "cat", ("a", "b"), ("auto", "auto"))
    dog = ClassGraph(1, "dog", ("c", "d"), ("auto", "auto"))
    after = [replace(cat, concepts=("a", "z")), dog]
    present = torch.ones(4, 2, 2, dtype=torch.bool)
    present[1, 0, 1] = False
    index = torch.arange(4)[:, None, None] * 2 + torch.tensor([0, 1])  # slot k has segment k
    matched = make_image_graphs(
        torch.zeros(4, 2, 2, 1), present=present, segment_index=index.expand(4, 2, 2)
    )
    labels = torch.tensor([0, 0, 1, 2])  # shown; not detected; other class; class not under review
    regions = rejected_regions([cat, dog], after, matched, segments, labels)
    assert torch.equal(regions[0], label_map == 1)
    assert not regions[1:].any()
