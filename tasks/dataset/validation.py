"""Everything that can be wrong with a dataset, found before anything is written or trained."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from feedback.errors import DatasetError
from tasks.dataset.inspection import MAX_PIXELS, Inspection, inspect_entry, limit_is_ours
from tasks.dataset.layout import DatasetIndex, ImageEntry, normalised
from tasks.dataset.problems import Problem

OnProgress = Callable[[int, int], None]


def check_dataset(
    index: DatasetIndex,
    *,
    max_pixels: int = MAX_PIXELS,
    workers: int = 0,
    on_progress: OnProgress | None = None,
) -> list[Problem]:
    """Decode every file of a dataset and list what is wrong.

    Args:
        index: The dataset.
        max_pixels: Most pixels that one file may unfold to.
        workers: Decoding threads; 0 takes one per core.
        on_progress: Called with the images done and the images in all.

    Returns:
        Problems, fatal ones first, then by path; empty for a sound dataset.
    """
    inspections: list[Inspection] = []
    # Entered before any thread is: filters of warnings are the whole process's.
    with limit_is_ours(), ThreadPoolExecutor(workers or (os.cpu_count() or 1)) as pool:
        found = pool.map(lambda e: inspect_entry(index.root, e, max_pixels), index.entries)
        for done, inspection in enumerate(found, start=1):
            inspections.append(inspection)
            if on_progress is not None:
                on_progress(done, len(index.entries))
    problems = [problem for inspection in inspections for problem in inspection.problems]
    problems += _collisions(index)
    problems += _duplicates(inspections)
    left_out = {p.path for p in problems if not p.concerns_mask}
    problems += _classes(index, [e for e in index.entries if e.path not in left_out])
    problems += [
        Problem("no_image", path, "expected an image by its suffix (got another file); left out")
        for path in index.other_files
    ]
    return sorted(problems, key=lambda p: (not p.fatal, p.path, p.kind))


def check_structure(index: DatasetIndex) -> None:
    """Make sure, without opening a file, that a dataset can be trained and tested on.

    Args:
        index: The dataset.

    Raises:
        DatasetError: With the first fatal problem of its classes or names.
    """
    problems = _collisions(index) + _classes(index, list(index.entries))
    fatal = [problem for problem in problems if problem.fatal]
    if fatal:
        more = f" (and {len(fatal) - 1} more)" if len(fatal) > 1 else ""
        raise DatasetError(f"{fatal[0].path}: {fatal[0].message}{more}")


def _collisions(index: DatasetIndex) -> list[Problem]:
    """Find files that are one file on a system with other rules for names, or share one mask."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for entry in index.entries:
        by_name[normalised(entry.path).casefold()].append(entry.path)
    problems = []
    for paths in by_name.values():
        for path in sorted(paths)[1:]:
            message = (
                f"expected names that differ beyond case and Unicode form "
                f"(got {sorted(paths)[0]!r} too); rename one"
            )
            problems.append(Problem("collision", path, message, fatal=True))
    masks = Counter(entry.mask for entry in index.entries if entry.mask is not None)
    for mask in sorted(mask for mask, n in masks.items() if n > 1):
        message = f"expected one image per mask (got {masks[mask]} of one stem); rename the others"
        problems.append(Problem("collision", mask, message, fatal=True))
    return problems


def _duplicates(inspections: list[Inspection]) -> list[Problem]:
    """Find files with the same content; only within a class and split is one of them just idle."""
    by_content: dict[str, list[ImageEntry]] = defaultdict(list)
    for inspection in inspections:
        if inspection.content is not None:
            by_content[inspection.content].append(inspection.entry)
    problems = []
    for entries in by_content.values():
        first = entries[0]
        for other in entries[1:]:
            if other.split != first.split:
                message = (
                    f"expected train, test and pool to share no image (got the content of "
                    f"{first.path}); remove one, or the test measures what was learnt by heart"
                )
                problems.append(Problem("duplicate_across_splits", other.path, message, fatal=True))
            elif other.class_name != first.class_name:
                message = (
                    f"expected one class per image (got the content of {first.path}); "
                    f"remove the wrong one"
                )
                problems.append(
                    Problem("duplicate_across_classes", other.path, message, fatal=True)
                )
            else:
                message = f"expected every image once (got the content of {first.path}); remove it"
                problems.append(Problem("duplicate", other.path, message))
    return problems


def _classes(index: DatasetIndex, usable: list[ImageEntry]) -> list[Problem]:
    """Judge the classes by the images that remain."""
    counts = Counter((entry.split, entry.class_name) for entry in usable)
    in_train = {name for split, name in index.folders if split == "train"}
    problems = []
    if len(in_train) < 2:
        message = f"expected at least two classes (got {len(in_train)}); add a folder per class"
        problems.append(Problem("too_few_classes", "train", message, fatal=True))
    for name in index.classes:
        problem = _class_problem(
            name, name in in_train, counts["train", name], counts["test", name]
        )
        if problem is not None:
            problems.append(problem)
    return problems


def _class_problem(name: str, is_in_train: bool, n_train: int, n_test: int) -> Problem | None:
    """Return what is wrong with one class, if anything."""
    train, test = f"train/{name}", f"test/{name}"
    if not is_in_train:
        message = f"expected every test class in train (got {name!r} in test only); add {train}/"
        return Problem("class_not_in_train", test, message, fatal=True)
    if n_train == 0:
        message = "expected images of every class (got none); add some or remove the folder"
        return Problem("empty_class", train, message, fatal=True)
    if n_train == 1:
        message = "expected at least two training images, one of them to validate (got 1); add more"
        return Problem("single_image_class", train, message, fatal=True)
    if n_test == 0:
        message = f"expected test images of every class (got none of {name!r}); add {test}/"
        return Problem("class_not_in_test", test, message, fatal=True)
    return None
