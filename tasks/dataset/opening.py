"""The first step of every run: the dataset checked and named by its md5, before any work."""

import shutil
from pathlib import Path
from typing import Literal

from feedback.errors import DatasetError, StoreError
from models.params import TrainingParams
from tasks.dataset.reference import DatasetRef
from tasks.workplace import Workplace

WORKING_DATA = Path("data")


def open_dataset(
    workplace: Workplace,
    path: Path,
    *,
    unversioned: Literal["refuse", "allow"],
    training: TrainingParams,
) -> DatasetRef:
    """Check a dataset's structure, version and every image of it.

    Args:
        workplace: Its cache remembers the md5 of files already hashed, and the decoded images.
        path: The dataset's folder.
        unversioned: Whether a working folder that differs from ``data.dvc`` stops the run.
        training: Size and shape at which images are decoded.

    Returns:
        The reference that stages depend on.

    Raises:
        DatasetError: If the dataset is missing, empty, malformed, unreadable or another version.
        StoreError: If the decoded images cannot be kept.
    """
    dataset = identify_dataset(workplace, path, unversioned=unversioned)
    decode_dataset(workplace, dataset, training)
    return dataset


def identify_dataset(
    workplace: Workplace, path: Path, *, unversioned: Literal["refuse", "allow"]
) -> DatasetRef:
    """Check a dataset's structure and version, without decoding an image.

    The working folder ``data`` must be the version that ``data.dvc`` names, unless told otherwise;
    any other folder runs under its own md5.

    Args:
        workplace: Its cache remembers the md5 of files already hashed.
        path: The dataset's folder.
        unversioned: Whether a working folder that differs from ``data.dvc`` stops the run.

    Returns:
        The reference that stages depend on.

    Raises:
        DatasetError: If the dataset is missing, empty, malformed or another version.
    """
    from tasks.dataset.layout import read_index
    from tasks.dataset.validation import check_structure
    from tasks.dataset.version import verify_working_data

    if not path.is_dir():
        raise DatasetError(
            f"expected a dataset at {path} (got nothing there); "
            "run `parley data demo` to render the demo set, "
            "`parley data import DIR` to import yours, or name a folder with --data"
        )
    index = read_index(path)
    check_structure(index)
    if path == WORKING_DATA and unversioned == "refuse":
        md5 = verify_working_data(path, Path("data.dvc"), cache_file=workplace.digest_memory())
    else:
        md5 = current_md5(workplace, path)
    train = index.of_split("train")
    return DatasetRef(
        path=path.absolute(),
        md5=md5,
        classes=index.classes,
        n_train=len(train),
        n_test=len(index.of_split("test")),
        n_pool=len(index.of_split("pool")),
        has_masks=any(entry.mask is not None for entry in train),
    )


def current_md5(workplace: Workplace, path: Path) -> str:
    """Return the md5 of a dataset as it lies there now, without looking at what it holds.

    Args:
        workplace: Its cache remembers the md5 of files already hashed.
        path: The dataset's folder.

    Raises:
        DatasetError: If there is no such folder.
    """
    from tasks.dataset.version import folder_md5

    return folder_md5(path, cache_file=workplace.digest_memory())


def decode_dataset(workplace: Workplace, dataset: DatasetRef, training: TrainingParams) -> None:
    """Decode every image once, into the cache where stages find it.

    Args:
        workplace: Holds the cache.
        dataset: The dataset.
        training: Size and shape at which images are decoded.

    Raises:
        DatasetError: If an image or a mask is damaged; nothing of the dataset stays in the cache.
        StoreError: If the decoded images cannot be kept.
    """
    from tasks.dataset.images import load_images
    from tasks.dataset.layout import read_index

    index = read_index(dataset.path)
    cache = workplace.cache_folder()
    try:
        for split in ("train", "test", "pool"):
            load_images(
                index,
                split,
                size=training.image_size,
                resize=training.resize,
                cache_dir=cache,
                dataset_md5=dataset.md5,
            )
    except (DatasetError, StoreError):
        # Once mended, the dataset has another md5: what was decoded of this one would lie there for
        # ever. And a disk that is full is not left full.
        shutil.rmtree(cache / dataset.md5.removesuffix(".dir"), ignore_errors=True)
        raise
