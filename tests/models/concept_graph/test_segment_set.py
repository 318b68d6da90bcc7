import pytest
import torch

from models.concept_graph.segment_set import SegmentSet


def _two_images() -> SegmentSet:
    # Image 0: left half label 0, right half label 1. Image 1: top quarter label 2, the rest label
    # 0.
    first = torch.zeros(4, 4, dtype=torch.uint8)
    first[:, 2:] = 1
    second = torch.zeros(4, 4, dtype=torch.uint8)
    second[0] = 2
    return SegmentSet(
        label_maps=torch.stack([first, second])[:, None],
        image_index=torch.tensor([0, 0, 1, 1]),
        level=torch.zeros(4, dtype=torch.int64),
        label=torch.tensor([0, 1, 0, 2]),
        area=torch.tensor([0.5, 0.5, 0.75, 0.25]),
        centroid=torch.tensor([[0.25, 0.5], [0.75, 0.5], [0.5, 0.625], [0.5, 0.125]]),
        box=torch.tensor([[0, 0, 2, 4], [2, 0, 4, 4], [0, 1, 4, 4], [0, 0, 4, 1]]),
    )


def test_mask_is_the_pixels_with_the_segments_label():
    segments = _two_images()
    assert segments.mask(1).sum() == 8
    assert segments.mask(3)[0].all()
    assert not segments.mask(3)[1:].any()


def test_coverage_is_the_share_of_the_segment_inside_the_mask():
    masks = torch.zeros(2, 4, 4, dtype=torch.bool)
    masks[0, :2] = True  # half of both segments
    masks[1, 0, :3] = True  # three of the four pixels of label 2
    torch.testing.assert_close(_two_images().coverage(masks), torch.tensor([0.5, 0.5, 0.0, 0.75]))


def test_coverage_equals_the_loop_over_masks():
    segments = _two_images()
    masks = torch.rand(2, 4, 4, generator=torch.Generator().manual_seed(0)) > 0.4
    expected = [
        masks[segments.image_index[row]][segments.mask(row)].float().mean() for row in range(4)
    ]
    torch.testing.assert_close(segments.coverage(masks), torch.stack(expected))


def test_coverage_refuses_masks_of_another_size():
    with pytest.raises(ValueError, match=r"expected one mask per image \(2, 4, 4\)"):
        _two_images().coverage(torch.ones(2, 3, 4, dtype=torch.bool))


def test_of_images_renumbers_in_the_order_asked_for():
    segments = _two_images().of_images(torch.tensor([1, 0]))
    assert segments.image_index.tolist() == [0, 0, 1, 1]
    assert segments.label.tolist() == [0, 2, 0, 1]
    assert segments.mask(1)[0].all()


def test_of_images_of_one_image_drops_the_others():
    segments = _two_images().of_images(torch.tensor([1]))
    assert len(segments) == 2
    assert segments.n_images == 1
    assert segments.area.tolist() == [0.75, 0.25]


def test_select_keeps_all_images():
    segments = _two_images().select(torch.tensor([True, False, False, True]))
    assert segments.label.tolist() == [0, 2]
    assert segments.n_images == 2
