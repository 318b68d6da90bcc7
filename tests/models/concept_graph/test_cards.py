import io

import numpy as np
import pytest
from PIL import Image

from models.concept_graph.cards import HALO, OUTLINE, exemplar_crop, outline, png_bytes


def picture(height=40, width=60, value=200):
    return np.full((3, height, width), value, dtype=np.uint8)


def block(height, width, box):
    mask = np.zeros((height, width), dtype=bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


def test_the_segment_keeps_its_brightness_and_its_surroundings_are_dimmed():
    box = (20, 10, 32, 22)
    crop = exemplar_crop(picture(), block(40, 60, box), box, side=96, dim=0.5)
    assert crop.shape == (96, 96, 3)
    assert crop.dtype == np.uint8
    assert (crop[48, 48] == 200).all()
    assert (crop[1, 1] == 100).all()


def test_the_outline_lies_around_the_segment_with_a_halo():
    mask = block(12, 12, (4, 4, 8, 8))
    drawn = outline(np.full((12, 12, 3), 50, dtype=np.uint8), mask, width=1)
    assert (drawn[mask] == 50).all()
    assert tuple(drawn[3, 5]) == OUTLINE
    assert tuple(drawn[2, 5]) == HALO


@pytest.mark.parametrize("box", [(0, 0, 5, 5), (55, 35, 60, 40), (0, 10, 60, 14), (0, 0, 60, 40)])
def test_segments_at_the_edge_and_as_long_as_the_image_have_a_square_crop(box):
    assert exemplar_crop(picture(), block(40, 60, box), box, side=64).shape == (64, 64, 3)


def test_the_image_is_not_changed():
    image, box = picture(), (20, 10, 32, 22)
    exemplar_crop(image, block(40, 60, box), box)
    assert (image == 200).all()


@pytest.mark.parametrize("box", [(5, 5, 5, 9), (-1, 0, 4, 4), (50, 30, 61, 40)])
def test_an_empty_box_or_one_outside_the_image_is_refused(box):
    with pytest.raises(ValueError, match="expected a box"):
        exemplar_crop(picture(), np.ones((40, 60), dtype=bool), box)


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(ValueError, match="image's size"):
        exemplar_crop(picture(), np.ones((40, 40), dtype=bool), (0, 0, 4, 4))


def test_png_bytes_are_the_same_each_time_and_decode_to_the_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    data = png_bytes(pixels)
    assert data == png_bytes(pixels)
    assert (np.asarray(Image.open(io.BytesIO(data))) == pixels).all()
