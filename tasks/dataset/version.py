"""Versions of the data: the only module that speaks to DVC.

DVC is called as a command, for its Python interface is undocumented; reading and checking a version
needs no call.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from feedback.errors import DatasetError
from tasks.dataset.digest import file_digests, tree_md5

DEFAULT_REMOTE = ".parley/dvc-remote"
"""Local remote, relative to the repository; an ``s3://`` address instead needs the s3 extra."""
QUIET = {"DVC_NO_ANALYTICS": "1", "DVC_STUDIO_OFFLINE": "1", "NO_COLOR": "1"}
TIMEOUT = 3600
"""Longest wait for one command, seconds."""


@dataclass(frozen=True)
class DataStatus:
    """A working folder beside its recorded version.

    Attributes:
        expected: md5 in the ``.dvc`` file, or None without one.
        actual: md5 of the folder as it is, or None when it is missing.
        n_files: Files in the folder.
    """

    expected: str | None
    actual: str | None
    n_files: int

    @property
    def is_clean(self) -> bool:
        """Whether the folder is exactly the recorded version."""
        return self.expected is not None and self.expected == self.actual


def folder_md5(root: Path, *, cache_file: Path | None = None) -> str:
    """Compute the version of a folder, equal to what ``dvc add`` would record.

    Args:
        root: The folder.
        cache_file: Memory of files already hashed; a second call looks at sizes and times only.

    Returns:
        ``<md5>.dir``.

    Raises:
        DatasetError: If the folder is missing or a file cannot be read.
    """
    if not root.is_dir():
        raise DatasetError(
            f"expected a data folder (got {root}); import or render one, or bring the recorded one "
            "back with `dvc checkout`"
        )
    try:
        return tree_md5(file_digests(root, cache_file=cache_file))
    except OSError as error:
        raise DatasetError(f"expected readable files in {root} (got {error}); repair it") from error


def read_md5(dvc_file: Path) -> str:
    """Read the version that a ``.dvc`` file records.

    Args:
        dvc_file: E.g. ``data.dvc``.

    Returns:
        ``<md5>.dir``.

    Raises:
        DatasetError: If the file is missing or not DVC's.
    """
    import yaml

    try:
        content = yaml.safe_load(dvc_file.read_text(encoding="utf-8"))
        md5 = content["outs"][0]["md5"]
    except (OSError, ValueError, yaml.YAMLError, KeyError, IndexError, TypeError) as error:
        raise DatasetError(
            f"expected a file written by DVC (got {dvc_file}: {type(error).__name__}); "
            f"import or render the data again"
        ) from error
    return str(md5)


def read_status(data_dir: Path, dvc_file: Path, *, cache_file: Path | None = None) -> DataStatus:
    """Compare a working folder with its recorded version."""
    expected = read_md5(dvc_file) if dvc_file.exists() else None
    if not data_dir.is_dir():
        return DataStatus(expected, None, 0)
    digests = file_digests(data_dir, cache_file=cache_file)
    return DataStatus(expected, tree_md5(digests), len(digests))


def verify_working_data(data_dir: Path, dvc_file: Path, *, cache_file: Path | None = None) -> str:
    """Make sure that the working data are the recorded version.

    Args:
        data_dir: The working folder, e.g. ``data``.
        dvc_file: Its record, e.g. ``data.dvc``.
        cache_file: Memory of files already hashed.

    Returns:
        The version, ``<md5>.dir``.

    Raises:
        DatasetError: If either is missing or they differ.
    """
    status = read_status(data_dir, dvc_file, cache_file=cache_file)
    if status.actual is None:
        raise DatasetError(
            f"expected the data at {data_dir} (got nothing there); "
            f"run `parley data demo`, `parley data import DIR` or `dvc pull`"
        )
    if status.expected is None:
        raise DatasetError(
            f"expected {dvc_file} beside the data (got none); run `parley data import DIR`, "
            f"or name the folder with --data to run on it under its own md5"
        )
    if not status.is_clean:
        raise DatasetError(
            f"expected the data of {dvc_file.name}, {status.expected} (got {status.actual}); "
            f"import the folder as a new version, restore the old one with `dvc checkout`, "
            f"or name it with --data to run on it under its own md5"
        )
    return status.actual


def record_of(data_dir: Path) -> Path:
    """Return DVC's record of a folder, ``<folder>.dvc`` beside it."""
    return data_dir.with_name(f"{data_dir.name}.dvc")


def records(data_dir: Path) -> tuple[Path, ...]:
    """Return what ``init`` and ``add`` write beside a folder: its files and its folders."""
    here = data_dir.parent
    files = (record_of(data_dir), here / ".gitignore", here / ".dvcignore")
    return (*files, here / ".dvc", here / DEFAULT_REMOTE)


def init(repository: Path, *, remote: str = DEFAULT_REMOTE) -> None:
    """Make a folder a DVC repository with a default remote, unless it is one.

    Args:
        repository: The folder; used without git when it is not the root of a git checkout.
        remote: Address of the default remote.

    Raises:
        DatasetError: If DVC fails.
    """
    if (repository / ".dvc" / "config").exists():
        return
    scm = [] if (repository / ".git").exists() else ["--no-scm"]
    _dvc(repository, "init", "--quiet", *scm)
    _dvc(repository, "config", "core.analytics", "false")
    _dvc(repository, "config", "core.check_update", "false")
    _dvc(repository, "remote", "add", "--quiet", "--default", "store", remote)


def use_remote(repository: Path, address: str) -> None:
    """Make an address the default remote of a DVC repository, whatever was its default before.

    DVC's ``config`` is committed, so no secret may be in the address: keys and endpoint of an S3
    service come from the environment, as those of the store do.

    Args:
        repository: The folder of the repository.
        address: A folder, relative to the repository, or ``s3://bucket/prefix``.

    Raises:
        DatasetError: If the address has a secret in it, or DVC fails.
    """
    check_remote(address)
    _dvc(repository, "remote", "add", "--quiet", "--force", "--default", "store", address)


def check_remote(address: str) -> None:
    """Refuse an address that DVC's committed configuration may not hold.

    Raises:
        DatasetError: If it is empty, of a kind that is not installed, or has a secret in it.
    """
    parts = urlsplit(address)
    if "@" in parts.netloc or parts.query:
        raise DatasetError(
            "expected the address of a remote without user, password or key (got one with them), "
            "since .dvc/config is committed; give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    if not address.strip() or ("://" in address and (parts.scheme != "s3" or not parts.netloc)):
        raise DatasetError(
            f"expected a folder or s3://BUCKET/PREFIX as DVC remote (got {address!r}); name one"
        )


def add(data_dir: Path) -> str:
    """Record the folder as a version, ``<folder>.dvc`` beside it.

    Args:
        data_dir: The folder, a direct child of the DVC repository.

    Returns:
        The version, ``<md5>.dir``.

    Raises:
        DatasetError: If DVC fails.
    """
    _dvc(data_dir.parent, "add", "--quiet", data_dir.name)
    return read_md5(record_of(data_dir))


def push(data_dir: Path) -> None:
    """Copy the recorded version to the default remote."""
    _dvc(data_dir.parent, "push", "--quiet", record_of(data_dir).name)


def pull(data_dir: Path) -> None:
    """Fetch the recorded version from the default remote, replacing what differs in the folder."""
    _dvc(data_dir.parent, "pull", "--quiet", "--force", record_of(data_dir).name)


def _dvc(repository: Path, *arguments: str) -> str:
    """Run one DVC command, waiting for its lock; return what it printed."""
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=repository,
            env={**os.environ, **QUIET},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DatasetError(
            f"expected `dvc {arguments[0]}` to finish in {repository} (got {error}); "
            f"look whether another DVC process hangs"
        ) from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit {done.returncode}"]
        reason = next((line for line in lines if line.startswith("ERROR")), lines[-1])
        raise DatasetError(
            f"expected `dvc {arguments[0]}` to succeed in {repository} (got {reason}); "
            f"check the remote with `dvc remote list` and the free disk space"
        )
    return done.stdout
