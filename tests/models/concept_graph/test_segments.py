import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.segmentation import slic

from models.concept_graph.params import SegmentParams
from models.concept_graph.segments import SegmentSet, cell_weights, segment_images


def _textured(n: int, size: int = 64, seed: int = 0) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    noise = [gaussian_filter(rng.random((size, size, 3)), (5, 5, 0)) for _ in range(n)]
    pixels = np.stack([(image * 2000 % 255).astype(np.uint8) for image in noise])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


@pytest.mark.parametrize("min_size_factor", [0.5, 0.1])
@pytest.mark.parametrize("sigma", [1.0, 0.0])
def test_label_maps_are_those_of_scikit_image_at_every_resolution_of_every_image(
    sigma, min_size_factor
):
    images = _textured(3)
    params = SegmentParams(
        n_segments=(4, 20), compactness=15, sigma=sigma, min_size_factor=min_size_factor
    )
    maps = segment_images(images, params).label_maps
    for image, levels in zip(images, maps, strict=True):
        for n_segments, labels in zip(params.n_segments, levels, strict=True):
            expected = slic(
                image.permute(1, 2, 0).numpy(),
                n_segments=n_segments,
                compactness=15,
                sigma=sigma,
                min_size_factor=min_size_factor,
                start_label=0,
            )
            np.testing.assert_array_equal(labels.numpy(), expected)


def test_every_label_of_a_resolution_is_a_segment_when_nothing_is_dropped():
    params = SegmentParams(n_segments=(20,), min_area=0.0)
    segments = segment_images(_textured(2), params)
    for image in range(2):
        labels = segments.label[segments.image_index == image]
        assert labels.tolist() == segments.label_maps[image, 0].unique().tolist()
    areas = torch.zeros(2).index_add(0, segments.image_index, segments.area)
    torch.testing.assert_close(areas, torch.ones(2))


def test_rows_describe_their_masks():
    segments = segment_images(_textured(2), SegmentParams())
    for row in range(0, len(segments), 5):
        y, x = segments.mask(row).nonzero(as_tuple=True)
        assert segments.area[row] == pytest.approx(len(y) / 64**2)
        centre = [(float(x.float().mean()) + 0.5) / 64, (float(y.float().mean()) + 0.5) / 64]
        assert segments.centroid[row].tolist() == pytest.approx(centre, abs=1e-6)
        box = [int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1]
        assert segments.box[row].tolist() == box


def _brute_force_kept(maps: np.ndarray, params: SegmentParams) -> list[tuple[int, int]]:
    kept: list[tuple[int, np.ndarray]] = []
    rows = []
    for level, labels in enumerate(maps):
        masks = [labels == label for label in np.unique(labels)]
        for label, mask in zip(np.unique(labels), masks, strict=True):
            overlaps = [
                (mask & other).sum() / (mask | other).sum()
                for earlier, other in kept
                if earlier < level
            ]
            if mask.mean() > params.min_area and max(overlaps, default=0) <= params.max_overlap:
                kept.append((level, mask))
                rows.append((level, int(label)))
    return rows


@pytest.mark.parametrize("max_overlap", [0.5, 0.2])
def test_drop_rules_agree_with_boolean_masks(max_overlap):
    params = SegmentParams(
        n_segments=(6, 12, 30), min_area=0.02, max_overlap=max_overlap, min_size_factor=0.1
    )
    segments = segment_images(_textured(2, seed=3), params)
    for image in range(2):
        own = segments.image_index == image
        rows = list(zip(segments.level[own].tolist(), segments.label[own].tolist(), strict=True))
        assert rows == _brute_force_kept(segments.label_maps[image].numpy(), params)


def test_repeating_a_resolution_adds_nothing():
    images = _textured(1)
    once = segment_images(images, SegmentParams(n_segments=(20,)))
    twice = segment_images(images, SegmentParams(n_segments=(20, 20)))
    assert len(once) == len(twice)


def test_result_does_not_depend_on_the_number_of_workers():
    images = _textured(5)
    done: list[tuple[int, int]] = []
    one = segment_images(images, SegmentParams(), workers=1)
    three = segment_images(
        images, SegmentParams(), workers=3, on_progress=lambda i, n: done.append((i, n))
    )
    for name in ("label_maps", "image_index", "level", "label", "area", "centroid", "box"):
        assert torch.equal(getattr(one, name), getattr(three, name))
    assert done == [(i, 5) for i in range(1, 6)]


def test_a_flat_image_is_segmented():
    segments = segment_images(torch.full((1, 3, 32, 32), 7, dtype=torch.uint8), SegmentParams())
    assert len(segments) > 0


def test_no_images_give_no_segments():
    segments = segment_images(torch.zeros(0, 3, 32, 32, dtype=torch.uint8), SegmentParams())
    assert len(segments) == 0
    assert segments.label_maps.shape == (0, 3, 32, 32)
    assert cell_weights(segments, 4, 4).shape == (0, 16)


def test_float_images_are_refused():
    with pytest.raises(ValueError, match="expected uint8 images"):
        segment_images(torch.zeros(1, 3, 8, 8), SegmentParams())


def test_label_maps_cost_one_byte_per_pixel_and_resolution():
    maps = segment_images(_textured(1), SegmentParams()).label_maps
    assert maps.dtype == torch.uint8


def _halves() -> SegmentSet:
    left_right = torch.zeros(1, 1, 4, 4, dtype=torch.uint8)
    left_right[..., 3] = 1
    return SegmentSet(
        label_maps=left_right,
        image_index=torch.tensor([0, 0]),
        level=torch.tensor([0, 0]),
        label=torch.tensor([0, 1]),
        area=torch.tensor([0.75, 0.25]),
        centroid=torch.tensor([[0.375, 0.5], [0.875, 0.5]]),
        box=torch.tensor([[0, 0, 3, 4], [3, 0, 4, 4]]),
    )


def test_cell_weights_by_hand():
    weights = cell_weights(_halves(), 2, 2)
    expected = torch.tensor([[1 / 3, 1 / 6, 1 / 3, 1 / 6], [0, 0.5, 0, 0.5]])
    torch.testing.assert_close(weights, expected)


def test_pixels_on_the_border_of_two_cells_are_split():
    # Four columns on three cells of 4/3 pixels: column 1 gives 1/3 of itself to cell 0.
    weights = cell_weights(_halves(), 1, 3)
    expected = torch.tensor([[(4 / 3) / 3, (4 / 3) / 3, (1 / 3) / 3], [0, 0, 1]])
    torch.testing.assert_close(weights, expected)


@pytest.mark.parametrize("cells", [(7, 5), (13, 13), (16, 16)])
def test_cell_weights_equal_area_downsampled_masks(cells):
    segments = segment_images(_textured(20, size=32), SegmentParams(n_segments=(10, 20)))
    weights = cell_weights(segments, *cells)
    for row in range(0, len(segments), 37):
        mask = segments.mask(row).double()[None, None]
        fine = mask.repeat_interleave(cells[0], 2).repeat_interleave(cells[1], 3)
        pooled = torch.nn.functional.avg_pool2d(fine, 32).flatten()
        torch.testing.assert_close(
            weights[row].double(), pooled / pooled.sum(), atol=1e-6, rtol=1e-5
        )


def test_a_feature_map_finer_than_the_image_is_refused():
    with pytest.raises(ValueError, match="at most 4x4 cells"):
        cell_weights(_halves(), 8, 8)
