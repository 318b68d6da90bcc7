import numpy as np
import pytest
from PIL import Image

from tasks.dataset.decoding import MEAN_GREY, decode_image, decode_mask, picture_edges


def halves(width=40, height=20):
    """Red on the left, blue on the right."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 2] = 255
    return Image.fromarray(pixels)


def test_a_crop_keeps_the_middle_at_natural_aspect(tmp_path):
    halves().save(tmp_path / "a.png")
    out = decode_image(tmp_path / "a.png", 20, "crop")
    assert out.shape == (20, 20, 3)
    assert out[10, 2].tolist() == [255, 0, 0]
    assert out[10, 17].tolist() == [0, 0, 255]


def test_padding_fills_with_the_mean_grey_and_masks_with_background(tmp_path):
    halves().save(tmp_path / "a.png")
    out = decode_image(tmp_path / "a.png", 20, "pad")
    assert out[0, 0].tolist() == list(MEAN_GREY)
    assert out[10, 2].tolist() == [255, 0, 0]
    Image.fromarray(np.ones((20, 40), dtype=np.uint8)).save(tmp_path / "m.png")
    mask = decode_mask(tmp_path / "m.png", 20, "pad")
    assert mask[0, 0] == 2
    assert (mask == 1).sum() == 20 * 10


@pytest.mark.parametrize(
    ("width", "height", "orientation"), [(40, 20, 1), (40, 20, 6), (21, 97, 1), (400, 130, 8)]
)
def test_the_edges_of_a_padded_picture_are_where_the_padding_ends(
    tmp_path, width, height, orientation
):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (width, height), (0, 255, 0)).save(tmp_path / "a.jpg", exif=exif)
    out = decode_image(tmp_path / "a.jpg", 30, "pad").astype(int)
    rows, columns = np.nonzero(out[..., 1] > 200)
    found = (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
    assert picture_edges(tmp_path / "a.jpg", 30, "pad") == found
    assert picture_edges(tmp_path / "a.jpg", 30, "crop") is None


def test_squashing_keeps_all_of_the_image(tmp_path):
    halves().save(tmp_path / "a.png")
    out = decode_image(tmp_path / "a.png", 10, "squash")
    assert out[5, 0].tolist() == [255, 0, 0]
    assert out[5, 9].tolist() == [0, 0, 255]


def test_exif_orientation_turns_the_image_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to show
    halves(40, 40).save(tmp_path / "a.jpg", exif=exif, quality=95)
    out = decode_image(tmp_path / "a.jpg", 40).astype(int)
    assert out[5, 20, 0] > 200  # the left, red half is on top now
    assert out[35, 20, 2] > 200


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "CMYK", "1", "I;16"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    if mode == "I;16":
        image = Image.fromarray(np.full((8, 8), 40000, dtype=np.uint16))
    else:
        image = halves(8, 8).convert(mode)
    name = "a.tif" if mode == "CMYK" else "a.png"
    image.save(tmp_path / name)
    out = decode_image(tmp_path / name, 8)
    assert out.shape == (8, 8, 3)
    assert out.dtype == np.uint8
    if mode == "I;16":
        assert out.min() == out.max() == 155  # 40000 * 255 / 65535


def test_transparency_shows_the_mean_grey(tmp_path):
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "a.png")
    assert decode_image(tmp_path / "a.png", 8)[0, 0].tolist() == list(MEAN_GREY)


def test_mask_values_survive_palettes(tmp_path):
    values = np.array([[1, 2], [3, 0]], dtype=np.uint8)
    image = Image.fromarray(values)
    image.putpalette([v for i in range(256) for v in (i, 255 - i, 7)])
    image.save(tmp_path / "m.png")
    assert decode_mask(tmp_path / "m.png", 2).tolist() == values.tolist()
