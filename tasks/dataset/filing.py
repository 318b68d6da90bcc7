"""Closed reviews as data: a folder of its own beside the dataset, versioned by DVC.

::

    reviews/<request_id>/bundle/pictures.tar        all pictures that were shown
    reviews/<request_id>/bundle/...                 what else belongs to the bundle
    reviews/<request_id>/responses/<reviewer>-<nonce>.json
    reviews/<request_id>/decisions/0001.json ...
    reviews/<request_id>/manifest.json              written last

Apart from the dataset, whose md5 is a part of every key: an answer must not train a network anew.
"""

import io
import logging
import tarfile
from collections.abc import Iterator
from pathlib import Path

from feedback.closed import ClosedReview, decided_requests, load_closed
from feedback.errors import DatasetError, DigestMismatchError, ObjectNotFoundError
from feedback.objects import ObjectStore
from feedback.publishing import load_file
from feedback.receipts import load_receipts
from tasks.dataset import version
from tasks.dataset.intake_plan import only_one
from tasks.whole_files import written_whole

logger = logging.getLogger(__name__)

REVIEWS = "reviews"
"""Name of the folder, beside the dataset's."""


def file_reviews(
    store: ObjectStore, data_dir: Path, *, push: bool = True, cache_file: Path | None = None
) -> str | None:
    """Put every closed review that is not filed yet under version control.

    Files are never changed once they are there, so filing again adds what is missing and nothing
    else, also after a kill.

    Args:
        store: Where reviews lie.
        data_dir: The dataset, in a DVC repository; elsewhere nothing is filed.
        push: Whether the new version is copied to the default remote too.
        cache_file: Memory of files already hashed.

    Returns:
        The version of the reviews, or None when there are none.

    Raises:
        StoreError: If the store does not answer.
        DatasetError: If filed reviews were changed by somebody, or the disk or DVC fails.
    """
    folder = data_dir.with_name(REVIEWS)
    record = version.record_of(folder)
    decided = decided_requests(store)
    if not (data_dir.parent / ".dvc").is_dir() or not (decided or record.exists()):
        return None
    with only_one(folder):
        busy = folder.parent / ".dvc" / "tmp" / "parley-reviews.busy"
        if not busy.exists():
            _check_untouched(folder, record, cache_file)
        wanted = [name for name, n in decided.items() if not _is_filed(folder / name, n)]
        if not wanted and not busy.exists():
            return version.read_md5(record) if record.exists() else None
        # From here on, what differs from the record is ours; the mark goes once all is pushed.
        busy.touch()
        for part in folder.rglob("*.part"):
            part.unlink()
        for name in wanted:
            _file(store, name, folder / name)
        if not folder.is_dir():
            busy.unlink()
            return None
        md5 = version.add(folder)
        if push:
            version.push(folder)
        busy.unlink()
        return md5


def _check_untouched(folder: Path, record: Path, cache_file: Path | None) -> None:
    if not record.exists():
        return
    if not folder.is_dir():
        # Another host filed them. Without this, the next version would hold the latest ones only.
        version.pull(folder)
    status = version.read_status(folder, record, cache_file=cache_file)
    if not status.is_clean:
        raise DatasetError(
            f"expected the closed reviews of {record.name}, {status.expected} (got "
            f"{status.actual}); nothing may be changed there: bring them back with "
            f"`dvc checkout {record.name}`"
        )


def _is_filed(folder: Path, n_decisions: int) -> bool:
    names = [f"decisions/{number:04d}.json" for number in range(1, n_decisions + 1)]
    return all((folder / name).is_file() for name in (*names, "manifest.json"))


def _file(store: ObjectStore, request_id: str, folder: Path) -> None:
    review = load_closed(store, request_id)
    if review is None:
        return
    try:
        for name, data in _files(store, review):
            if not (folder / name).exists():
                with written_whole(folder / name, durable=True) as stream:
                    stream.write(data)
    except (DigestMismatchError, ObjectNotFoundError) as error:
        # Without its manifest it counts as not filed, and is tried again.
        logger.warning("review %s is not filed yet: %s", request_id, error)


def _files(store: ObjectStore, review: ClosedReview) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a review, the manifest last."""
    bundle = review.bundle
    pictures = sorted(name for name in bundle.files if name.endswith(".png"))
    if pictures:
        # One file, since DVC takes long over many small ones.
        yield (
            "bundle/pictures.tar",
            _tar({name: load_file(store, bundle, name) for name in pictures}),
        )
    for name in sorted(set(bundle.files) - set(pictures)):
        yield f"bundle/{name}", load_file(store, bundle, name)
    for receipt in load_receipts(store, bundle.request_id):
        document = receipt.parsed().document
        name = f"responses/{document.reviewer}-{document.nonce}.json"
        yield name, receipt.upload.encode()
    for decision in review.decisions:
        yield f"decisions/{decision.sequence:04d}.json", decision.to_json()
    yield "manifest.json", bundle.to_json()


def _tar(files: dict[str, bytes]) -> bytes:
    """Pack files so that the same ones always give the same bytes."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as packed:
        for name, data in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
    return stream.getvalue()
