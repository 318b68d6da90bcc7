import pytest
import torch

from models.concept_graph.object_share import exemplar_object_share
from models.imageset import BACKGROUND, BORDER, OBJECT


def foreground(*rows):
    return torch.tensor(rows, dtype=torch.uint8).reshape(len(rows), 2, 2)


def test_border_pixels_count_half_and_every_example_counts_the_same():
    segments = torch.tensor([[[True, True], [True, True]], [[True, False], [False, False]]])
    masks = foreground((OBJECT, OBJECT, BORDER, BACKGROUND), (BACKGROUND, OBJECT, OBJECT, OBJECT))
    assert exemplar_object_share(segments, masks) == pytest.approx((2.5 / 4 + 0.0) / 2)


def test_images_without_a_mask_are_left_out():
    segments = torch.ones(2, 2, 2, dtype=torch.bool)
    masks = foreground((OBJECT,) * 4, (0,) * 4)
    assert exemplar_object_share(segments, masks) == 1.0


def test_nothing_is_known_when_no_example_has_a_mask():
    segments = torch.ones(1, 2, 2, dtype=torch.bool)
    assert exemplar_object_share(segments, foreground((0,) * 4)) is None


def test_masks_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        exemplar_object_share(torch.ones(1, 2, 2, dtype=torch.bool), torch.zeros(1, 3, 3))
