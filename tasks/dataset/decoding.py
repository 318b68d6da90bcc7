"""One image file to one upright RGB square, whatever its mode, depth, orientation and aspect."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from feedback.errors import DatasetError

if TYPE_CHECKING:
    from PIL import Image

Resize = Literal["crop", "pad", "squash"]
Pixels = NDArray[np.uint8]

MEAN_GREY = (124, 116, 104)
"""Mean colour of ImageNet: what padding and transparency are filled with."""
BACKGROUND = 2
"""Mask value of padding."""
_LYING = 5
"""From this EXIF orientation on an upright image is the stored one turned by a right angle."""
LARGEST_VALUE = 3
"""Mask value of the border; anything above is of another convention."""


def decode_image(path: Path, size: int, resize: Resize = "crop") -> Pixels:
    """Decode an image file.

    Args:
        path: The file; grey, palette, RGBA, CMYK and 16-bit images are accepted.
        size: Side of the result, pixels.
        resize: Centre crop, padding with the mean grey, or squashing.

    Returns:
        Pixels (size, size, 3), uint8, upright by EXIF.

    Raises:
        OSError: If the file is missing, damaged or of an unknown format.
    """
    from PIL import Image, ImageOps

    with Image.open(path) as opened:
        # The JPEG decoder may shrink by 2, 4 or 8 on the way, never below twice the size.
        opened.draft(None, (2 * size, 2 * size))
        upright = ImageOps.exif_transpose(opened)
    return np.array(_fitted(to_rgb(upright), size, resize, Image.Resampling.BICUBIC, MEAN_GREY))


def picture_edges(
    path: Path, size: int, resize: Resize = "crop"
) -> tuple[int, int, int, int] | None:
    """Say where an image lies within the padding that ``decode_image`` gives it.

    Args:
        path: The file; only its head is read.
        size: Side of the result, pixels.
        resize: As for the image.

    Returns:
        Top, left, bottom and right edge, pixels; None where nothing is padded.

    Raises:
        OSError: If the file is missing, damaged or of an unknown format.
    """
    from PIL import ExifTags, Image

    if resize != "pad":
        return None
    with Image.open(path) as opened:
        # Shrunk as for decoding, which rounds.
        opened.draft(None, (2 * size, 2 * size))
        width, height = opened.size
        if opened.getexif().get(ExifTags.Base.Orientation, 1) >= _LYING:
            width, height = height, width
    if width == height:
        return None
    inner, (left, top) = _padded(width, height, size)
    return top, left, top + inner[1], left + inner[0]


def decode_mask(path: Path, size: int, resize: Resize = "crop") -> Pixels:
    """Decode a foreground mask with the geometry of its image, values kept.

    Args:
        path: The mask's file, of its image's upright size.
        size: Side of the result, pixels.
        resize: As for the image.

    Returns:
        Values (size, size), uint8: 0 unknown, 1 object, 2 background (padding too), 3 border.

    Raises:
        OSError: If the file is missing, damaged or of an unknown format.
    """
    from PIL import Image

    values = Image.fromarray(read_mask(path))
    return np.array(_fitted(values, size, resize, Image.Resampling.NEAREST, BACKGROUND))


def read_mask(path: Path) -> Pixels:
    """Read a mask's values (H, W): a palette's indices, or the first channel of anything else.

    Raises:
        OSError: If the file is missing, damaged or of an unknown format.
        DatasetError: If it holds another value than 0 to 3.
    """
    from PIL import Image

    with Image.open(path) as opened:
        values = np.asarray(opened)
    flat = values if values.ndim == 2 else values[..., 0]
    largest = int(flat.max(initial=0))
    if largest > LARGEST_VALUE:
        raise DatasetError(
            f"expected values 1 object, 2 background, 3 border or 0 unknown (got up to {largest}); "
            "renumber them"
        )
    return np.ascontiguousarray(flat).astype(np.uint8)


def to_rgb(image: "Image.Image") -> "Image.Image":
    """Convert any mode to RGB; 16 bits are scaled to 8, transparency shows the mean grey."""
    from PIL import Image

    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image).astype(np.float64)
        # 16-bit files come as modes I;16 and I alike; what fits 8 bits is left as it is.
        scale = 1.0 if values.max(initial=0) <= 255 else 255 / 65535
        return Image.fromarray(np.clip(values * scale, 0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        layered = image.convert("RGBA")
        ground = Image.new("RGBA", layered.size, (*MEAN_GREY, 255))
        return Image.alpha_composite(ground, layered).convert("RGB")
    return image.convert("RGB")


def _fitted(
    image: "Image.Image",
    size: int,
    resize: Resize,
    resample: "Image.Resampling",
    fill: int | tuple[int, int, int],
) -> "Image.Image":
    """Bring an image to a square by one of the three geometries."""
    from PIL import Image

    width, height = image.size
    if resize == "squash" or width == height:
        return image if image.size == (size, size) else image.resize((size, size), resample)
    if resize == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return image.resize((size, size), resample, (left, top, left + side, top + side))
    inner, corner = _padded(width, height, size)
    square = Image.new(image.mode, (size, size), fill)
    square.paste(image.resize(inner, resample), corner)
    return square


def _padded(width: int, height: int, size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the size and the top left corner, as (x, y), that an image has within its padding."""
    side = max(width, height)
    inner = max(round(width * size / side), 1), max(round(height * size / side), 1)
    return inner, ((size - inner[0]) // 2, (size - inner[1]) // 2)
