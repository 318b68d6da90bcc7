"""A look into one image and its mask: readable, not too large, of one size, and which content."""

import hashlib
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from feedback.errors import DatasetError
from tasks.dataset.decoding import read_mask
from tasks.dataset.layout import ImageEntry
from tasks.dataset.problems import Problem

MAX_PIXELS = 89_478_485
"""Pixels above which a file is taken for a decompression bomb; Pillow warns from here on."""
LARGEST = 2 * MAX_PIXELS
"""Pixels above which Pillow opens no file, so that no run could read it."""

# What Pillow's many decoders raise on damaged files.
DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error,
    KeyError, IndexError, TypeError, OverflowError, MemoryError,
)  # fmt: skip


@contextmanager
def limit_is_ours() -> Iterator[None]:
    """Keep Pillow from warning of large files, whose limit is checked here and may be raised."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


@dataclass(frozen=True)
class Inspection:
    """What was found in one image file.

    Attributes:
        entry: The image.
        content: sha256 of the file, or None when it cannot be used.
        problems: What is wrong with it or its mask.
    """

    entry: ImageEntry
    content: str | None
    problems: tuple[Problem, ...]


def inspect_entry(root: Path, entry: ImageEntry, max_pixels: int = MAX_PIXELS) -> Inspection:
    """Decode an image and its mask, completely, and hash the image.

    Args:
        root: The dataset's folder.
        entry: The image.
        max_pixels: Most pixels that a file may unfold to.

    Returns:
        The findings; nothing is raised for a damaged file.
    """
    for path in (entry.path, entry.mask):
        if path is not None and not (root / path).resolve().is_relative_to(root.resolve()):
            message = (
                f"expected a file inside {root} (got a link to {(root / path).resolve()}); copy it"
            )
            return Inspection(entry, None, (Problem("outside", path, message, fatal=True),))
    size, problem = _decode(root / entry.path, entry.path, max_pixels)
    if size is None or problem is not None:
        return Inspection(entry, None, () if problem is None else (problem,))
    with (root / entry.path).open("rb") as stream:
        content = hashlib.file_digest(stream, "sha256").hexdigest()
    mask_problem = _inspect_mask(root, entry.mask, size, max_pixels)
    return Inspection(entry, content, () if mask_problem is None else (mask_problem,))


def _decode(
    path: Path, name: str, max_pixels: int
) -> tuple[tuple[int, int] | None, Problem | None]:
    """Return the upright size of an image, or what is wrong with it."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > max_pixels:
                return None, _too_large(name, opened.width * opened.height, max_pixels)
            opened.load()
            return ImageOps.exif_transpose(opened).size, None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None, _too_large(name, None, max_pixels)
    except DAMAGE as error:
        reason = str(error).replace(str(path), path.name) or type(error).__name__
        message = f"expected a readable image (got: {reason}); repair or remove it"
        return None, Problem("unreadable", name, message)


def _too_large(name: str, n_pixels: int | None, max_pixels: int) -> Problem:
    """Return the problem of a file that unfolds to too many pixels."""
    got = "far more" if n_pixels is None else f"{n_pixels:,}"
    fits = n_pixels is not None and n_pixels <= LARGEST
    remedy = "shrink it, or raise --max-pixels of `parley data import`" if fits else "shrink it"
    message = f"expected at most {max_pixels:,} pixels (got {got}); {remedy}"
    return Problem("too_many_pixels", name, message)


def _inspect_mask(
    root: Path, mask: str | None, size: tuple[int, int], max_pixels: int
) -> Problem | None:
    """Return what is wrong with a mask, if anything."""
    from PIL import Image

    if mask is None:
        return None
    try:
        with Image.open(root / mask) as opened:
            if opened.size != size:
                message = (
                    f"expected a mask of the upright image's size, {size[0]}x{size[1]} pixels "
                    f"(got {opened.width}x{opened.height}); resize it by nearest neighbour"
                )
                return Problem("mask_size", mask, message)
        read_mask(root / mask)
    except DatasetError as error:
        return Problem("mask_values", mask, str(error))
    except (*DAMAGE, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        message = f"expected a readable mask (got: {error or type(error).__name__}); remove it"
        return Problem("mask_unreadable", mask, message)
    return None
