"""Where a dataset keeps its images, masks and pool: the index that everything else reads.

Two layouts: ``train/<class>/*`` with ``test/<class>/*``, or one folder ``<class>/*`` that a seed
splits. Both may have ``pool/*`` (unlabelled) and ``masks/``, which mirrors the images as
``<stem>.png``.
"""

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from feedback.errors import DatasetError
from tasks.dataset.split import split_names

Split = Literal["train", "test", "pool"]

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
)
RESERVED = frozenset(("masks", "parts", "pool"))
"""Folders that are never classes."""


@dataclass(frozen=True)
class ImageEntry:
    """One image of a dataset.

    Attributes:
        split: ``train``, ``test`` or ``pool``.
        class_name: Class, NFC; None in a pool.
        path: Path relative to the root, with forward slashes, as the disk spells it.
        mask: Path of its foreground mask relative to the root, or None.
    """

    split: Split
    class_name: str | None
    path: str
    mask: str | None


@dataclass(frozen=True)
class DatasetIndex:
    """The files of a dataset, sorted by path.

    Attributes:
        root: The dataset's folder.
        classes: Class names in index order: sorted, NFC.
        entries: Images of all splits.
        folders: Class folders found, as (split, class name); an empty one has no entries.
        other_files: Paths in image folders that are no images by their suffix.
        is_split: Whether the folder itself keeps train and test apart.
    """

    root: Path
    classes: tuple[str, ...]
    entries: tuple[ImageEntry, ...]
    folders: tuple[tuple[Split, str], ...]
    other_files: tuple[str, ...]
    is_split: bool

    def of_split(self, split: Split) -> tuple[ImageEntry, ...]:
        """Return the images of one split, in index order."""
        return tuple(entry for entry in self.entries if entry.split == split)


def read_index(root: Path, *, test_share: float = 0.3, seed: int = 0) -> DatasetIndex:
    """List a dataset's files without opening any of them.

    Args:
        root: The dataset's folder.
        test_share: Share of each class that becomes its test images, when the folder is not split.
        seed: Seed of that split.

    Returns:
        The index.

    Raises:
        DatasetError: If the folder is missing or holds no images in class folders.
    """
    if not root.is_dir():
        raise DatasetError(
            f"expected a folder of images (got {root}, which is missing or no folder); "
            f"name one that holds train/<class>/ and test/<class>/, or <class>/"
        )
    is_split = (root / "train").is_dir()
    if not is_split and (root / "test").is_dir():
        raise DatasetError(
            f"expected train/ beside test/ (got only {root / 'test'}); add train/<class>/ folders"
        )
    scan = _Scan(root)
    if is_split:
        for split in ("train", "test"):
            scan.read_classes(root / split, split)
    else:
        scan.read_classes(root, None, test_share=test_share, seed=seed)
    if (root / "pool").is_dir():
        scan.read_folder(root / "pool", "pool", None)
    if not any(entry.split != "pool" for entry in scan.entries):
        raise DatasetError(
            f"expected images in class folders (got none in {root}); "
            f"put them at train/<class>/ and test/<class>/, or at <class>/"
        )
    return DatasetIndex(
        root=root,
        classes=tuple(sorted({name for _, name in scan.folders})),
        entries=tuple(sorted(scan.entries, key=lambda entry: (entry.split, entry.path))),
        folders=tuple(sorted(scan.folders)),
        other_files=tuple(sorted(scan.other_files)),
        is_split=is_split,
    )


def normalised(name: str) -> str:
    """Return the one spelling (NFC) of a name that systems write in several."""
    return unicodedata.normalize("NFC", name)


class _Scan:
    """Collects what the folders hold."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.entries: list[ImageEntry] = []
        self.folders: set[tuple[Split, str]] = set()
        self.other_files: list[str] = []

    def read_classes(
        self, parent: Path, split: Split | None, *, test_share: float = 0.0, seed: int = 0
    ) -> None:
        """Read ``parent/<class>/``; without a split, divide each class by the seed."""
        if not parent.is_dir():
            return
        for folder in sorted(parent.iterdir()):
            if not folder.is_dir() or folder.name.startswith("."):
                continue
            if split is None and folder.name in RESERVED:
                continue
            if split is not None:
                self.read_folder(folder, split, folder.name)
                continue
            names = [path.name for path in self._images(folder)]
            chosen = set(split_names([normalised(n) for n in names], test_share, seed))
            for each in ("train", "test"):
                part = [n for n in names if (normalised(n) in chosen) == (each == "test")]
                self.read_folder(folder, each, folder.name, part)

    def read_folder(
        self, folder: Path, split: Split, class_folder: str | None, names: list[str] | None = None
    ) -> None:
        """Read the images of one folder, or of it only those with the given names."""
        class_name = None if class_folder is None else normalised(class_folder)
        if class_name is not None:
            self.folders.add((split, class_name))
        paths = self._images(folder) if names is None else [folder / name for name in names]
        relative = folder.relative_to(self.root)
        for path in paths:
            mask = (self.root / "masks" / relative / path.name).with_suffix(".png")
            self.entries.append(
                ImageEntry(
                    split=split,
                    class_name=class_name,
                    path=path.relative_to(self.root).as_posix(),
                    mask=mask.relative_to(self.root).as_posix() if mask.is_file() else None,
                )
            )

    def _images(self, folder: Path) -> list[Path]:
        """Return the images of a folder by suffix, and note what else lies there."""
        images = []
        for path in sorted(folder.iterdir()):
            if path.name.startswith("."):
                continue
            if path.suffix.lower() in SUFFIXES and not path.is_dir():
                images.append(path)
            else:
                self.other_files.append(path.relative_to(self.root).as_posix())
        return images
