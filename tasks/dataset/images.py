"""A split of a dataset as tensors: decoded by threads, masks following, kept in a cache."""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from feedback.errors import DatasetError, StoreError
from models.imageset import UNLABELLED, ImageSet
from tasks.dataset.decoding import Resize, decode_image, decode_mask
from tasks.dataset.inspection import DAMAGE, limit_is_ours
from tasks.dataset.layout import DatasetIndex, ImageEntry, Split, normalised
from tasks.dataset.version import folder_md5
from tasks.whole_files import written_whole

OnProgress = Callable[[int, int], None]


def load_images(
    index: DatasetIndex,
    split: Split,
    *,
    size: int,
    resize: Resize = "crop",
    workers: int = 0,
    cache_dir: Path | None = None,
    dataset_md5: str | None = None,
    on_progress: OnProgress | None = None,
) -> ImageSet:
    """Load all images of a split.

    Args:
        index: The dataset.
        split: ``train``, ``test`` or ``pool``; a dataset without a pool gives an empty set.
        size: Side of the images, pixels.
        resize: ``crop``, ``pad`` or ``squash``.
        workers: Decoding threads; 0 takes one per core. The result does not depend on it.
        cache_dir: Folder for decoded arrays, by version, and for the digests of files; None decodes
            afresh.
        dataset_md5: Version that the images must be of; what the cache holds of it is taken, even
            if the folder was changed since. None takes the folder as it is.
        on_progress: Called with the images done and the images in all.

    Returns:
        Images in index order; masks are None when no image of the split has one.

    Raises:
        DatasetError: If a file cannot be read, or the folder to decode is of another version.
        StoreError: If the decoded arrays cannot be written to ``cache_dir``.
    """
    entries = index.of_split(split)
    labels = [
        UNLABELLED if entry.class_name is None else index.classes.index(entry.class_name)
        for entry in entries
    ]
    prefix: Path | None = None
    digests = None if cache_dir is None else cache_dir / "digests.json"
    if cache_dir is not None and entries:
        md5 = dataset_md5 or folder_md5(index.root, cache_file=digests)
        # The names tell apart the splits that different seeds make of one folder.
        names = "\n".join(f"{entry.path}\t{entry.mask}" for entry in entries)
        key = hashlib.sha256(f"{md5}/{split}/{size}/{resize}\n{names}".encode()).hexdigest()[:24]
        prefix = cache_dir / md5.removesuffix(".dir") / "images" / f"{split}-{size}-{resize}-{key}"
    pixels = _load_cached(prefix, "images")
    masks = _load_cached(prefix, "masks")
    if pixels is None or masks is None:
        pixels, masks = _decode_all(index.root, entries, size, resize, workers, on_progress)
        if dataset_md5 is not None:
            _check_version(index.root, dataset_md5, digests)
        _save_cached(prefix, "images", pixels)
        _save_cached(prefix, "masks", masks)
    return ImageSet(
        images=pixels,
        labels=torch.tensor(labels, dtype=torch.int64),
        names=tuple(normalised(entry.path) for entry in entries),
        classes=index.classes,
        masks=masks if len(masks) else None,
    )


def _check_version(root: Path, expected: str, digests: Path | None) -> None:
    found = folder_md5(root, cache_file=digests)
    if found != expected:
        raise DatasetError(
            f"expected {root} to stay as the run found it, {expected} (got {found}); "
            "bring it back with `dvc checkout`, or start a new run"
        )


def _decode_all(
    root: Path,
    entries: tuple[ImageEntry, ...],
    size: int,
    resize: Resize,
    workers: int,
    on_progress: OnProgress | None,
) -> tuple[Tensor, Tensor]:
    """Decode images (B, 3, size, size) and masks (B, size, size); (0, size, size) without any."""
    from PIL import Image

    n_masks = len(entries) if any(entry.mask for entry in entries) else 0
    pixels = np.zeros((len(entries), 3, size, size), dtype=np.uint8)
    masks = np.zeros((n_masks, size, size), dtype=np.uint8)

    def decode(position: int) -> None:
        entry = entries[position]
        path = root / entry.path
        try:
            pixels[position] = decode_image(path, size, resize).transpose(2, 0, 1)
            if entry.mask is not None:
                path = root / entry.mask
                masks[position] = decode_mask(path, size, resize)
        except DatasetError as error:
            raise DatasetError(f"{path}: {error}") from error
        except (*DAMAGE, Image.DecompressionBombError) as error:
            raise DatasetError(
                f"expected a readable image (got {path}: {error}); "
                f"repair or remove it, or import the folder with problems skipped"
            ) from error

    # Pillow decodes and resizes outside the interpreter's lock, so threads do.
    with limit_is_ours(), ThreadPoolExecutor(workers or (os.cpu_count() or 1)) as pool:
        for done, _ in enumerate(pool.map(decode, range(len(entries))), start=1):
            if on_progress is not None:
                on_progress(done, len(entries))
    return torch.from_numpy(pixels), torch.from_numpy(masks)


def _load_cached(prefix: Path | None, name: str) -> Tensor | None:
    """Map a cached array into memory, copy-on-write; None when it is missing or damaged."""
    if prefix is None:
        return None
    try:
        array = np.load(f"{prefix}.{name}.npy", mmap_mode="c", allow_pickle=False)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError):
        return None  # cut short by a crash or a full disk; decoded and written again
    return torch.from_numpy(array)


def _save_cached(prefix: Path | None, name: str, array: Tensor) -> None:
    """Keep an array beside the others."""
    if prefix is None:
        return
    try:
        with written_whole(prefix.with_name(f"{prefix.name}.{name}.npy")) as stream:
            np.save(stream, array.numpy(), allow_pickle=False)
    except OSError as error:
        raise StoreError(
            f"expected to keep {array.numel() >> 20} MB of decoded images in {prefix.parent} "
            f"(got: {error}); free disk space there, or name another folder in PARLEY_HOME"
        ) from error
