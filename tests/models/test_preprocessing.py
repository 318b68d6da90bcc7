import pytest
import torch

from models.preprocessing import InputNormalisation


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        # one pixel, R=1, G=0.5, B=0
        ("imagenet", [(1 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, -0.406 / 0.225]),
        ("caffe_bgr", [0 - 104, 127.5 - 117, 255 - 123]),
        ("symmetric", [1, 0, -1]),
    ],
)
def test_one_pixel_is_normalised_as_by_hand(kind, expected):
    pixel = torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1)
    assert InputNormalisation(kind)(pixel).flatten().tolist() == pytest.approx(expected, abs=1e-4)


def test_normalisation_adds_nothing_to_the_state_dict():
    assert InputNormalisation("imagenet").state_dict() == {}


def test_an_unknown_kind_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"caffe_bgr.*got 'rgb'"):
        InputNormalisation("rgb")
