import pytest
import torch

from models.augmentation import augment_images, flip_flags, flip_images, is_flip_only
from models.params import AugmentParams

GEOMETRY = AugmentParams(crop_scale=0.5, rotate=20)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_flipping_mirrors_only_the_flagged_images():
    images = torch.arange(4.0).view(2, 1, 1, 2)
    assert flip_images(images, torch.tensor([True, False])).flatten().tolist() == [1, 0, 2, 3]


def test_flips_have_the_asked_probability():
    assert flip_flags(4000, 0.25, generator()).float().mean().item() == pytest.approx(
        0.25, abs=0.03
    )


def test_no_strength_changes_nothing():
    images = torch.rand(2, 3, 16, 16, generator=generator())
    assert torch.equal(augment_images(images, AugmentParams(), generator())[0], images)


def test_the_same_seed_gives_the_same_images_and_another_seed_others():
    images = torch.rand(2, 3, 16, 16, generator=generator())
    params = AugmentParams(crop_scale=0.5, rotate=20, colour=0.3)
    first, second, other = (augment_images(images, params, generator(s))[0] for s in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert first.min() >= 0
    assert first.max() <= 1


def test_masks_follow_the_images():
    """An image that is its own mask stays equal to it, but for interpolated borders."""
    mask = torch.zeros(8, 40, 40, dtype=torch.uint8)
    mask[:, 8:30, 12:25] = 1
    images = mask[:, None].expand(-1, 3, -1, -1).float()
    changed, moved = augment_images(images, GEOMETRY, generator(), mask)
    assert moved.dtype == torch.uint8
    assert not torch.equal(moved, mask)
    agreement = ((changed[:, 0] > 0.5) == moved.bool()).float().mean()
    assert agreement > 0.99


def test_a_pure_crop_enlarges_by_at_most_the_asked_share():
    mask = torch.zeros(64, 64, 64, dtype=torch.uint8)
    mask[:, 31:33, 31:33] = 1
    images = mask[:, None].expand(-1, 3, -1, -1).float()
    changed, _ = augment_images(images, AugmentParams(crop_scale=0.5), generator())
    area = changed[:, 0].sum(dim=(1, 2))
    inside = area[area > 3]  # the others lost the dot at their border
    assert inside.max() < 4 / 0.5 * 1.1
    assert inside.mean() > 4


def test_rotation_turns_by_at_most_the_asked_angle():
    images = torch.zeros(32, 3, 65, 65)
    images[:, :, 32, :] = 1  # a horizontal line through the centre
    changed, _ = augment_images(images, AugmentParams(rotate=10), generator())
    column = changed[:, 0, :, 56].argmax(dim=1) - 32  # 24 pixels right of the centre
    assert column.abs().max() <= 24 * 0.1763 + 1  # tan(10 degrees)
    assert column.abs().max() >= 2


def test_colours_of_a_grey_image_stay_grey_and_its_shape_stays():
    """Of brightness, contrast and saturation none can tint; edges stay where they are."""
    images = torch.full((16, 3, 8, 8), 0.4)
    images[..., 4:] = 0.6
    changed, _ = augment_images(images, AugmentParams(colour=0.3), generator())
    torch.testing.assert_close(changed[:, 0], changed[:, 2], atol=1e-3, rtol=0)
    assert (changed[:, 0, :, 4] > changed[:, 0, :, 3]).all()
    assert changed.mean(dim=(1, 2, 3)).std() > 0.03


@pytest.mark.parametrize("changes", [{"crop_scale": 0.9}, {"rotate": 1}, {"colour": 0.1}])
def test_only_flips_leave_two_versions_of_an_image(changes):
    assert is_flip_only(AugmentParams(flip=0.3))
    assert not is_flip_only(AugmentParams(**changes))
