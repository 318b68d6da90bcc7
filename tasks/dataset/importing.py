"""Bringing a folder of images under version control: all checked first, then copied whole."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from feedback.errors import DatasetError
from tasks.dataset import version
from tasks.dataset.inspection import MAX_PIXELS
from tasks.dataset.layout import DatasetIndex, ImageEntry, normalised, read_index
from tasks.dataset.problems import Problem, blocking
from tasks.dataset.rollback import undone_on_failure
from tasks.dataset.validation import check_dataset

OnProblem = Literal["refuse", "skip"]
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    Attributes:
        problems: All findings, also those that were left out.
        md5: The version that was made, or None when the import was refused.
        n_images: Images copied.
        n_left_out: Image files left out.
    """

    problems: tuple[Problem, ...]
    md5: str | None
    n_images: int
    n_left_out: int

    @property
    def is_refused(self) -> bool:
        """Whether nothing was imported."""
        return self.md5 is None


def import_dataset(
    source: Path,
    dest: Path,
    *,
    on_problem: OnProblem = "refuse",
    test_share: float = 0.3,
    seed: int = 0,
    max_pixels: int = MAX_PIXELS,
    replace: bool = False,
    push: bool = True,
    remote: str = "",
    workers: int = 0,
    on_progress: OnProgress | None = None,
) -> ImportReport:
    """Check a folder, copy it in the split layout, and put the copy under version control.

    Args:
        source: The folder to import, in either layout.
        dest: Where the data go, e.g. ``data``; DVC's record is written beside it.
        on_problem: ``refuse`` imports nothing when anything is wrong; ``skip`` leaves out the files
            at fault and still refuses what that cannot mend.
        test_share: Share of each class for the test, when the source is not split.
        seed: Seed of that split.
        max_pixels: Most pixels that one file may unfold to.
        replace: Whether data already at ``dest`` may go.
        push: Whether the version is copied to the default remote too.
        remote: Address that becomes the default remote; empty keeps the one that there is.
        workers: Decoding threads; 0 takes one per core.
        on_progress: Called with the images checked and the images in all.

    Returns:
        The report; ``is_refused`` when problems forbade the import, and then nothing is written.

    Raises:
        DatasetError: If the source holds no dataset, ``dest`` is taken, or the disk or DVC fails;
            data and record are as they were then.
    """
    if remote:
        version.check_remote(remote)
    index = read_index(source, test_share=test_share, seed=seed)
    _check_destination(source, dest, replace)
    problems = check_dataset(index, max_pixels=max_pixels, workers=workers, on_progress=on_progress)
    if blocking(problems, skip=on_problem == "skip"):
        return ImportReport(tuple(problems), None, 0, 0)
    faulty_images = {p.path for p in problems if not p.concerns_mask}
    faulty_masks = {p.path for p in problems if p.concerns_mask}
    entries = [entry for entry in index.entries if entry.path not in faulty_images]
    with _staging(dest) as staging:
        _copy_all(index, entries, faulty_masks, staging / "new", dest)
        with undone_on_failure(dest, staging / "old", version.records(dest)):
            (staging / "new").rename(dest)
            version.init(dest.parent)
            if remote:
                version.use_remote(dest.parent, remote)
            md5 = version.add(dest)
            if push:
                version.push(dest)
    return ImportReport(tuple(problems), md5, len(entries), len(index.entries) - len(entries))


def _check_destination(source: Path, dest: Path, replace: bool) -> None:
    """Refuse a destination that is taken, or that lies within the source or around it."""
    here, there = source.resolve(), dest.resolve()
    if here == there or here.is_relative_to(there) or there.is_relative_to(here):
        raise DatasetError(
            f"expected source and destination apart (got {source} and {dest}); name another folder"
        )
    if dest.exists() and not replace and (not dest.is_dir() or any(dest.iterdir())):
        raise DatasetError(
            f"expected no data at {dest} yet (got some); give --replace or remove them first"
        )


@contextmanager
def _staging(dest: Path) -> Iterator[Path]:
    """Make a folder beside the destination, so that putting in place is a rename; remove it."""
    try:
        dest.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{dest.name}-", dir=dest.parent))
    except OSError as error:
        raise DatasetError(
            f"expected to write beside {dest} (got {error}); check permissions and disk space"
        ) from error
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _copy_all(
    index: DatasetIndex,
    entries: list[ImageEntry],
    faulty_masks: set[str],
    fresh: Path,
    dest: Path,
) -> None:
    """Copy images and sound masks into a folder that will be ``dest``."""
    try:
        for entry in entries:
            target = fresh / entry.split / normalised(entry.class_name or "")
            _copy(index.root / entry.path, target / normalised(Path(entry.path).name))
            if entry.mask is not None and entry.mask not in faulty_masks:
                folder = fresh / "masks" / entry.split / normalised(entry.class_name or "")
                _copy(index.root / entry.mask, folder / normalised(Path(entry.mask).name))
    except OSError as error:
        raise DatasetError(
            f"expected to copy the data to {dest} (got {error}); nothing was changed there, "
            f"free disk space or name another folder"
        ) from error


def _copy(source: Path, target: Path) -> None:
    """Copy a file's bytes, making its folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
