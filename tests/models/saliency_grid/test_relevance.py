import pytest
import torch

from models.saliency_grid.relevance import marked_share, wrong_reason

MAPS = torch.tensor([[[0.0, 1.0], [1.0, 2.0]], [[4.0, 0.0], [0.0, 0.0]]])
MARKED = torch.tensor([[[False, True], [False, True]], [[False, True], [True, False]]])


def test_the_share_on_marked_pixels_is_the_hand_computed_one():
    assert marked_share(MAPS, MARKED).tolist() == [0.75, 0.0]


def test_what_is_half_marked_counts_half():
    half = torch.tensor([[[0.0, 0.5], [0.0, 1.0]]])
    assert marked_share(MAPS[:1], half).tolist() == [(0.5 + 2) / 4]


def test_an_image_without_attribution_has_no_share():
    assert marked_share(torch.zeros(1, 2, 2), MARKED[:1]).isnan().all()


def test_wrong_reason_is_the_share_of_the_mask_that_is_lit():
    # Normalised: 0, 1/2, 1/2, 1 and 1, 0, 0, 0; their mean is 3/8.
    assert wrong_reason(MAPS, MARKED).tolist() == [1.0, 0.0]
    assert wrong_reason(MAPS, MARKED, threshold=0.5).tolist() == [0.5, 0.0]


def test_wrong_reason_ignores_scale_and_what_speaks_against():
    scaled = MAPS * torch.tensor([10.0, 0.1]).view(2, 1, 1)
    scaled[1, 0, 1] = -5
    assert torch.equal(wrong_reason(scaled, MARKED), wrong_reason(MAPS, MARKED))


def test_an_image_without_marks_has_no_wrong_reason():
    assert wrong_reason(MAPS, torch.zeros(2, 2, 2, dtype=torch.bool)).isnan().all()


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="of one shape"):
        marked_share(MAPS, MARKED[:1])
    with pytest.raises(ValueError, match="boolean"):
        wrong_reason(MAPS, MARKED.float())
