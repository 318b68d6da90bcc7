from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tasks.demo.png import encode_grey4


@pytest.mark.parametrize("shape", [(5, 7), (128, 128), (400, 400)])
def test_a_reader_gets_the_integers_back(shape):
    values = (np.arange(shape[0] * shape[1]) % 16).astype(np.uint8).reshape(shape)
    with Image.open(BytesIO(encode_grey4(values))) as image:
        assert np.array_equal(np.asarray(image), values)


def test_values_beyond_four_bits_are_refused():
    with pytest.raises(ValueError, match="expected values 0 to 15"):
        encode_grey4(np.full((2, 2), 16, dtype=np.uint8))
