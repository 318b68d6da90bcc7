"""The md5 of a folder as DVC computes it, without DVC, and a memory of files already hashed."""

import hashlib
import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tasks.whole_files import written_whole

_logger = logging.getLogger(__name__)

IGNORED = frozenset((".dvc", ".git", ".hg", ".dvcignore"))
"""Names that DVC leaves out of a tracked folder."""

Stamp = tuple[int, int, str]
"""Size in bytes, modification time in nanoseconds, md5."""


def file_digests(root: Path, *, cache_file: Path | None = None) -> dict[str, str]:
    """Hash every file of a folder.

    Args:
        root: The folder.
        cache_file: Memory of earlier digests by path, size and modification time; None hashes all.

    Returns:
        md5 by path relative to the folder, with forward slashes.

    Raises:
        OSError: If a file cannot be read.
    """
    known = _read_cache(cache_file)
    base = f"{root.resolve()}/"
    fresh: dict[str, Stamp] = {}
    changed: list[tuple[str, int, int]] = []
    names = _list_files(root)
    for name in names:
        state = os.stat(f"{base}{name}")
        old = known.get(base + name)
        if old is not None and (old[0], old[1]) == (state.st_size, state.st_mtime_ns):
            fresh[base + name] = old
        else:
            changed.append((name, state.st_size, state.st_mtime_ns))

    def digest(file: tuple[str, int, int]) -> Stamp:
        with open(f"{base}{file[0]}", "rb") as stream:
            md5 = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False))
        return file[1], file[2], md5.hexdigest()

    # To hand a file to another thread takes longer than to find it unchanged.
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        fresh |= {
            base + file[0]: stamp
            for file, stamp in zip(changed, pool.map(digest, changed), strict=True)
        }
    if cache_file is not None and changed:
        kept = {key: value for key, value in known.items() if not key.startswith(base)}
        _write_cache(cache_file, kept | fresh)
    return {name: fresh[base + name][2] for name in names}


def tree_md5(digests: dict[str, str]) -> str:
    """Combine the files' digests into DVC's digest of the folder, ``<md5>.dir``."""
    # The JSON is DVC's, byte for byte: a list sorted by relative path, keys sorted, ASCII.
    listing = [{"md5": digests[name], "relpath": name} for name in sorted(digests)]
    text = json.dumps(listing, sort_keys=True).encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest() + ".dir"


def _list_files(root: Path) -> list[str]:
    """Return the files below a folder by relative path, sorted, links to files included."""
    found: list[str] = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if name not in IGNORED)
        inside = Path(folder).relative_to(root).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        found += [prefix + name for name in sorted(names) if name not in IGNORED]
    return found


def _read_cache(cache_file: Path | None) -> dict[str, Stamp]:
    """Return the remembered digests; an unreadable memory is an empty one."""
    if cache_file is None:
        return {}
    try:
        content = json.loads(cache_file.read_bytes())
        return {str(k): (int(v[0]), int(v[1]), str(v[2])) for k, v in content.items()}
    except (OSError, ValueError, AttributeError, TypeError, IndexError):
        return {}


def _write_cache(cache_file: Path, stamps: dict[str, Stamp]) -> None:
    """Write the memory, or go on without one where it cannot be written."""
    try:
        with written_whole(cache_file) as stream:
            stream.write(json.dumps(stamps).encode())
    except OSError as error:
        _logger.info("digests are not remembered: %s", error)
