"""Taking unlabelled images from use into the pool: checked, told apart by content, versioned.

Names of uploads are never used: a file of the pool is called by its own digest. Until the new
version of the dataset is recorded and pushed, a plan beside the data says what is to be done; a
process that dies anywhere is followed by one that carries the plan out, or finds it outdated and
looks at the uploads again.
"""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from feedback.canonical import sha256_hex
from feedback.errors import ObjectNotFoundError, ObjectTooLargeError, StoreError
from feedback.intake import (
    IntakeReceipt,
    give_receipts,
    shown_name,
    shown_reason,
    unseen_uploads,
    upload_digest,
)
from feedback.keys import check_key
from feedback.objects import ObjectInfo, ObjectStore
from tasks.dataset.digest import file_digests, tree_md5
from tasks.dataset.inspection import DAMAGE, MAX_PIXELS, inspect_entry
from tasks.dataset.intake_plan import IntakePlan, clear_staging, finish_plan, only_one, save_plan
from tasks.dataset.layout import ImageEntry
from tasks.dataset.version import record_of, verify_working_data

FORMATS = {
    "JPEG": ".jpg", "PNG": ".png", "BMP": ".bmp", "GIF": ".gif", "WEBP": ".webp", "TIFF": ".tif",
    "PPM": ".ppm",
}  # fmt: skip
"""Formats that are taken, by Pillow's name, and the suffix of their files. No others are tried:
Pillow also knows formats that call other programs."""

LOOKS_PER_IMAGE = 10
"""Uploads looked at in one go, as a multiple of the images wanted: junk cannot keep a run busy."""


@dataclass(frozen=True)
class IntakeReport:
    """What an intake did.

    Attributes:
        receipts: What became of each upload that was looked at.
        n_left: Uploads that wait for the next time.
        md5: Version of the dataset now; None when nothing was taken.
    """

    receipts: tuple[IntakeReceipt, ...] = ()
    n_left: int = 0
    md5: str | None = None

    def of(self, outcome: str) -> tuple[IntakeReceipt, ...]:
        """Return the receipts of one outcome."""
        return tuple(receipt for receipt in self.receipts if receipt.outcome == outcome)


def take_in(
    store: ObjectStore,
    data_dir: Path,
    *,
    max_images: int,
    min_images: int = 1,
    max_bytes: int = 32 * 2**20,
    max_pixels: int = MAX_PIXELS,
    push: bool = True,
    cache_file: Path | None = None,
) -> IntakeReport:
    """Take new images from ``intake/`` of the store into the pool of a versioned dataset.

    Args:
        store: Holds the uploads; nothing is removed from it.
        data_dir: The dataset, with DVC's record beside it.
        max_images: Most images taken, the newest first.
        min_images: With fewer new images none is taken yet.
        max_bytes: Largest file that is taken.
        max_pixels: Most pixels that a file may unfold to.
        push: Whether the new version is copied to the default remote too.
        cache_file: Memory of files already hashed.

    Returns:
        What was done; images that are in the dataset already are receipted as duplicates.

    Raises:
        StoreError: If the store does not answer; before anything was written in most cases, and
            the next call goes on in any.
        DatasetError: If the dataset is not the recorded version, or the disk or DVC fails.
    """
    uploads = unseen_uploads(store)
    record = record_of(data_dir)
    if not (data_dir.parent / ".dvc").is_dir():
        if not uploads:
            return IntakeReport()
        # Nothing may be written where there is no repository: this says so.
        verify_working_data(data_dir, record, cache_file=cache_file)
    with only_one(data_dir):
        finished = finish_plan(store, data_dir, push=push, cache_file=cache_file)
        if finished is not None:
            uploads = unseen_uploads(store)
        if not uploads:
            return _report(finished, (), 0, None)
        before = verify_working_data(data_dir, record, cache_file=cache_file)
        staging = clear_staging(data_dir)
        digests = file_digests(data_dir, cache_file=cache_file)
        look = _Look(store, staging, digests, max_bytes, max_pixels)
        n_looked = look.at(uploads, max_images)
        others = [receipt for receipt in look.receipts if receipt.outcome != "taken"]
        n_left = len(uploads) - n_looked
        if not look.files or len(look.files) < min_images:
            give_receipts(store, others)
            return _report(finished, others, n_left + len(look.files), None)
        after = tree_md5({**digests, **look.files})
        receipts = [
            receipt.model_copy(update={"dataset_md5": after})
            if receipt.outcome == "taken"
            else receipt
            for receipt in look.receipts
        ]
        save_plan(
            data_dir,
            IntakePlan(before=before, after=after, files=look.files, receipts=tuple(receipts)),
        )
        finish_plan(store, data_dir, push=push, cache_file=cache_file)
        return _report(finished, receipts, n_left, after)


class _Look:
    """Looks at uploads one after the other and stages what is sound and new."""

    def __init__(
        self,
        store: ObjectStore,
        staging: Path,
        digests: Mapping[str, str],
        max_bytes: int,
        max_pixels: int,
    ) -> None:
        self._store, self._staging = store, staging
        self._max_bytes, self._max_pixels = max_bytes, max_pixels
        self._by_md5 = {md5: name for name, md5 in digests.items()}
        self.files: dict[str, str] = {}
        self.receipts: list[IntakeReceipt] = []

    def at(self, uploads: Sequence[ObjectInfo], max_images: int) -> int:
        """Look until enough images are staged; return how many uploads were looked at."""
        n_looked = 0
        for info in uploads[: LOOKS_PER_IMAGE * max_images]:
            if len(self.files) == max_images:
                break
            n_looked += 1
            self._one(info)
        return n_looked

    def _one(self, info: ObjectInfo) -> None:
        try:
            check_key(info.key)
        except StoreError as error:
            return self._receipt(info, "refused", reason=error)
        try:
            data = self._store.get(info.key, max_bytes=self._max_bytes)
        except ObjectNotFoundError:
            return None  # taken away since it was listed
        except ObjectTooLargeError:
            reason = f"expected at most {self._max_bytes:,} bytes (got {info.size:,}); shrink it"
            return self._receipt(info, "refused", reason=reason)
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        same = self._by_md5.get(md5)
        if same is not None:
            reason = f"expected an image that the dataset lacks (got the content of {same})"
            return self._receipt(info, "duplicate", file=same, reason=reason)
        suffix = _suffix(data)
        if suffix is None:
            reason = f"expected an image of {', '.join(FORMATS)} (got something else); convert it"
            return self._receipt(info, "refused", reason=reason)
        name = f"{sha256_hex(data)[:32]}{suffix}"
        staged = self._staging / name
        staged.write_bytes(data)
        found = inspect_entry(self._staging, ImageEntry("pool", None, name, None), self._max_pixels)
        if found.problems:
            staged.unlink()
            return self._receipt(info, "refused", reason=found.problems[0].message)
        self.files[f"pool/{name}"] = md5
        self._by_md5[md5] = f"pool/{name}"
        return self._receipt(info, "taken", file=f"pool/{name}")

    def _receipt(
        self, info: ObjectInfo, outcome: str, *, file: str | None = None, reason: object = ""
    ) -> None:
        self.receipts.append(
            IntakeReceipt.model_validate(
                {
                    "upload": upload_digest(info),
                    "name": shown_name(info.key),
                    "outcome": outcome,
                    # Names of the dataset are people's, and may be long.
                    "file": None if file is None else ascii(file)[1:-1][:100],
                    "reason": shown_reason(reason),
                    "at": datetime.now(UTC),
                }
            )
        )


def _suffix(data: bytes) -> str | None:
    """Return the suffix of an image's format by its content, or None for what is none."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=tuple(FORMATS)) as opened:
            return FORMATS.get(opened.format or "")
    except (*DAMAGE, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None


def _report(
    finished: IntakePlan | None,
    receipts: Sequence[IntakeReceipt],
    n_left: int,
    md5: str | None,
) -> IntakeReport:
    earlier = () if finished is None else finished.receipts
    made = md5 or (None if finished is None else finished.after)
    return IntakeReport((*earlier, *receipts), n_left, made)
