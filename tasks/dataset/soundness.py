"""The whole check of a dataset before a run: made once per content, then remembered."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from feedback.errors import DatasetError, StoreError
from tasks.dataset.problems import Problem
from tasks.dataset.reference import DatasetRef
from tasks.whole_files import written_whole
from tasks.workplace import Workplace

logger = logging.getLogger(__name__)
RECORD = 1
"""Raised when the check finds more than it did: what was sound may not be any more."""

OnProblems = Callable[[Sequence[Problem]], None]


def check_soundness(
    workplace: Workplace, dataset: DatasetRef, *, on_problems: OnProblems | None = None
) -> None:
    """Decode every image and mask of a dataset, and refuse what would falsify a run.

    Files of which one is idle, such as a duplicate within a class, are told and refuse nothing.
    A dataset that is sound is remembered by its md5.

    Args:
        workplace: Its cache remembers what was found sound.
        dataset: The dataset.
        on_problems: Told of everything that was found, before anything is refused.

    Raises:
        DatasetError: With the first problem that a run cannot go past.
        StoreError: If the cache cannot be written.
    """
    from tasks.dataset.inspection import LARGEST
    from tasks.dataset.layout import read_index
    from tasks.dataset.validation import check_dataset

    record = workplace.cache_folder() / dataset.md5.removesuffix(".dir") / f"sound-{RECORD}.json"
    known = _remembered(record)
    # An import may have been told to take larger images than it does by itself.
    problems = (
        check_dataset(read_index(dataset.path), max_pixels=LARGEST) if known is None else known
    )
    if problems and on_problems is not None:
        on_problems(problems)
    refusing = [problem for problem in problems if not problem.is_idle]
    if refusing:
        first, more = refusing[0], len(refusing) - 1
        raise DatasetError(
            f"{first.path}: {first.message}" + (f" (and {more} more)" if more else "")
        )
    if problems:
        logger.warning(
            "%d files of %s are of no use, the first is %s: %s",
            len(problems), dataset.path, problems[0].path, problems[0].message,
        )  # fmt: skip
    if known is None:
        _remember(record, problems)


def _remembered(record: Path) -> list[Problem] | None:
    """Return what was found last time; None when nothing was, or the record is damaged."""
    try:
        return [Problem(**one) for one in json.loads(record.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return None


def _remember(record: Path, problems: Sequence[Problem]) -> None:
    try:
        with written_whole(record) as stream:
            stream.write(json.dumps([asdict(one) for one in problems]).encode())
    except OSError as error:
        raise StoreError(
            f"expected to note in {record.parent} that the dataset is sound (got: {error}); "
            "free disk space there, or name another folder in PARLEY_HOME"
        ) from error
