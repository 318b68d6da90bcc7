"""Tasks that keep what comes from use and from people: images for the pool, closed reviews."""

import logging
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from feedback.errors import DatasetError, StoreError
from tasks.dataset.filing import file_reviews
from tasks.dataset.intake import IntakeReport, take_in
from tasks.dataset.version import record_of
from tasks.freshness import run_that_waits_on
from tasks.workplace import Workplace

logger = logging.getLogger(__name__)


@task(name="take-in-images", cache_policy=NO_CACHE)
def take_in_images(
    workplace: Workplace, data_dir: Path, *, max_images: int, min_images: int, max_bytes: int
) -> IntakeReport:
    """Take new images from ``intake/`` into the pool of a dataset that DVC versions.

    Not while a run waits for people on these data: it could not go on from others.

    Args:
        workplace: Holds the uploads.
        data_dir: The dataset; one without DVC's record beside it is left as it is.
        max_images: Most images taken, the newest first.
        min_images: With fewer new images none is taken yet.
        max_bytes: Largest file that is taken.

    Returns:
        What was done.

    Raises:
        StoreError: If the store does not answer.
        DatasetError: If the dataset is not the recorded version, or the disk or DVC fails.
    """
    if not record_of(data_dir).exists():
        logger.info("nothing is taken in: DVC does not version %s", data_dir)
        return IntakeReport()
    waiting = run_that_waits_on(workplace.objects, data_dir)
    if waiting is not None:
        logger.info("nothing is taken in while run %s waits for people on these data", waiting)
        return IntakeReport()
    report = take_in(
        workplace.objects,
        data_dir,
        max_images=max_images,
        min_images=min_images,
        max_bytes=max_bytes,
        cache_file=workplace.digest_memory(),
    )
    for receipt in report.of("refused"):
        logger.warning("intake refused %s: %s", receipt.name, receipt.reason)
    if report.receipts:
        logger.info(
            "intake took %d images, refused %d, knew %d; dataset %s",
            len(report.of("taken")), len(report.of("refused")), len(report.of("duplicate")),
            report.md5 or "as before",
        )  # fmt: skip
    return report


@task(name="file-closed-reviews", cache_policy=NO_CACHE)
def file_closed_reviews(workplace: Workplace, data_dir: Path) -> str | None:
    """Put closed reviews under DVC beside a dataset that it versions.

    A failure is told and stops nothing: reviews stay in the store, and the next run files them.

    Args:
        workplace: Holds the reviews.
        data_dir: The dataset; beside one without DVC's record nothing is filed.

    Returns:
        The version of the reviews; None when there are none, or they could not be filed.
    """
    if not record_of(data_dir).exists():
        return None
    try:
        return file_reviews(workplace.objects, data_dir, cache_file=workplace.digest_memory())
    except (DatasetError, StoreError) as error:
        logger.error("closed reviews are not filed yet: %s", error)
        return None
