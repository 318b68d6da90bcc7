import pytest
import torch

from models.augmentation import augment_images, augment_with_maps, flip_flags, flip_images
from models.params import AugmentParams
from models.saliency_grid.grid import paint_cells

GEOMETRY = AugmentParams(crop_scale=0.5, rotate=25, flip=0.5)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def ramps(n=8, size=48):
    """Images whose pixels encode weights that change slowly, and differ along both axes."""
    y = torch.linspace(0, 1, size)
    weights = (0.7 * y[:, None] + 0.3 * y).expand(n, size, size).contiguous()
    return weights[:, None].expand(n, 3, size, size).contiguous(), weights


def test_weights_stay_on_the_pixels_that_they_were_given_to():
    images, weights = ramps()
    flags = flip_flags(len(images), 0.5, generator(1))
    changed, moved = augment_with_maps(images, weights, flags, GEOMETRY, generator(2))
    assert 0 < flags.sum() < len(flags)
    assert not torch.allclose(moved, weights, atol=0.05)
    # Half a pixel of rounding at most.
    assert (changed[:, 0] - moved).abs().max() < 0.04


def test_cells_keep_their_values_and_follow_the_geometry():
    weights = torch.zeros(8, 4, 4)
    weights[:, 1, 2], weights[:, 3, 0] = 1, -0.5
    painted = paint_cells(weights, (48, 48))
    images = (painted[:, None].expand(8, 3, 48, 48) + 0.5) / 1.5
    flags = flip_flags(8, 0.5, generator(1))
    changed, moved = augment_with_maps(images, painted, flags, GEOMETRY, generator(2))
    assert set(moved.unique().tolist()) <= {-0.5, 0.0, 1.0}
    agreement = ((changed[:, 0] * 1.5 - 0.5 - moved).abs() < 0.25).float().mean()
    assert agreement > 0.95


def test_images_get_the_same_bits_as_without_weights():
    images, weights = ramps()
    params = AugmentParams(crop_scale=0.5, rotate=25, colour=0.3)
    flags = flip_flags(len(images), 0.5, generator(1))
    changed, _ = augment_with_maps(images, weights, flags, params, generator(2))
    plain, _ = augment_images(flip_images(images, flags), params, generator(2))
    assert torch.equal(changed, plain)


def test_flips_alone_mirror_weights_exactly():
    images, weights = ramps(2)
    flags = torch.tensor([True, False])
    _, moved = augment_with_maps(images, weights, flags, AugmentParams(), generator())
    assert torch.equal(moved[0], weights[0].flip(-1))
    assert torch.equal(moved[1], weights[1])


def test_weights_of_another_size_are_refused():
    images, weights = ramps(2)
    with pytest.raises(ValueError, match="expected maps"):
        augment_with_maps(
            images, weights[:, :40], torch.tensor([True, False]), GEOMETRY, generator()
        )
