"""The plan of an intake: what is to come into the dataset, carried out by whoever looks next.

It lies with the staged files in DVC's own folder for temporary things, which git ignores.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from feedback.errors import DatasetError
from feedback.intake import IntakeReceipt, give_receipts
from feedback.objects import ObjectStore
from tasks.dataset import version
from tasks.dataset.digest import file_digests, tree_md5
from tasks.whole_files import written_whole


class IntakePlan(BaseModel):
    """A decided intake.

    Attributes:
        before: Version of the dataset that it was made on.
        after: Version that it leads to.
        files: md5 of each new file by its path in the dataset.
        receipts: What the uploaders are told in the end.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    before: str
    after: str
    files: dict[str, str]
    receipts: tuple[IntakeReceipt, ...]


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Let one process of this host change a dataset's pool at a time; others wait."""
    path = _folder(data_dir).with_suffix(".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise DatasetError(
            f"expected to write beside {data_dir} (got: {error.strerror}); nothing was lost: free "
            "disk space or mend the permissions, then take in again"
        ) from error


def clear_staging(data_dir: Path) -> Path:
    """Make an empty folder for files that are being looked at, and return it."""
    folder = _folder(data_dir)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def save_plan(data_dir: Path, plan: IntakePlan) -> None:
    """Write the plan, complete or not at all; from here on the intake is decided."""
    with written_whole(_folder(data_dir) / "plan.json", durable=True) as stream:
        stream.write(plan.model_dump_json().encode())


def finish_plan(
    store: ObjectStore, data_dir: Path, *, push: bool, cache_file: Path | None = None
) -> IntakePlan | None:
    """Carry out the plan that lies beside a dataset, if there is one.

    Args:
        store: Gets the receipts, last.
        data_dir: The dataset.
        push: Whether the new version is copied to the default remote too.
        cache_file: Memory of files already hashed.

    Returns:
        The plan when it was carried out; None without one, and when the dataset was changed by
        somebody else since it was made: then it is dropped, and its uploads wait as before.

    Raises:
        DatasetError: If the disk or DVC fails; the plan stays.
        StoreError: If a receipt cannot be written; the plan stays.
    """
    staging = _folder(data_dir)
    plan = _read_plan(staging / "plan.json")
    if plan is None:
        return None
    record = version.record_of(data_dir)
    if _recorded(record) != plan.after:
        found = file_digests(data_dir, cache_file=cache_file)
        if tree_md5({k: v for k, v in found.items() if k not in plan.files}) != plan.before:
            for name, md5 in plan.files.items():
                if found.get(name) != md5:  # a copy that was cut short
                    (data_dir / name).unlink(missing_ok=True)
            shutil.rmtree(staging, ignore_errors=True)
            return None
        for name in plan.files:
            # Copied, not moved: a copy that was cut short is found by its digest and made again.
            if found.get(name) != plan.files[name]:
                (data_dir / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(staging / Path(name).name, data_dir / name)
        made = version.add(data_dir)
        if made != plan.after:
            raise DatasetError(
                f"expected version {plan.after} of {data_dir} after the intake (got {made}); "
                "somebody changed the data meanwhile: restore them with `dvc checkout`, then take "
                "in again"
            )
    if push:
        version.push(data_dir)
    give_receipts(store, plan.receipts)
    shutil.rmtree(staging, ignore_errors=True)
    return plan


def _folder(data_dir: Path) -> Path:
    return data_dir.parent / ".dvc" / "tmp" / f"parley-intake-{data_dir.name}"


def _recorded(record: Path) -> str | None:
    try:
        return version.read_md5(record)
    except DatasetError:
        # Cut short by a kill while DVC wrote it; a new one is written in its place.
        record.unlink(missing_ok=True)
        return None


def _read_plan(path: Path) -> IntakePlan | None:
    try:
        return IntakePlan.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        return None  # of another version of Parley; its uploads are looked at again
