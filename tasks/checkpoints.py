"""Checkpoints of a fit that survive the death of the process at any moment.

A checkpoint is one safetensors file whose name carries the digest of its bytes; it appears by a
rename. A file that was torn, or changed afterwards, does not match its name and is passed over for
the one before it.
"""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import JsonValue

from feedback.canonical import sha256_hex
from feedback.errors import ArtifactError
from tasks.whole_files import written_whole

if TYPE_CHECKING:
    from torch import Tensor

    from models.training import TrainingState

_logger = logging.getLogger(__name__)

_NAME: Final = re.compile(r"epoch-(\d{6})\.([0-9a-f]{64})\.safetensors")
_N_KEPT: Final = 2
"""Newest checkpoints that stay: the last, and one to fall back on."""


@dataclass(frozen=True)
class Checkpoint:
    """A state to continue from.

    Attributes:
        state: State of the fit after its last completed epoch.
        history: Metrics of all completed epochs, as they were given to ``save_checkpoint``.
    """

    state: "TrainingState"
    history: list[JsonValue]


def save_checkpoint(
    folder: Path, state: "TrainingState", history: list[JsonValue] | None = None
) -> Path:
    """Write a checkpoint completely or not at all, and remove all but the newest two.

    Args:
        folder: Folder of one fit's checkpoints; made if missing.
        state: What ``fit`` yielded.
        history: Metrics of all epochs so far.

    Returns:
        The file.

    Raises:
        ArtifactError: If it cannot be written, e.g. because the disk is full; older checkpoints
            stay.
    """
    content = _encode(state, history or [])
    path = folder / f"epoch-{state.epoch:06d}.{sha256_hex(content)}.safetensors"
    try:
        with written_whole(path, durable=True) as file:
            file.write(content)
    except OSError as error:
        raise ArtifactError(
            f"expected to write a checkpoint of {len(content) // 2**20} MB to {folder} "
            f"(got {error.strerror or error}); free space there or set another work folder"
        ) from error
    for old in _newest_first(folder)[_N_KEPT:]:
        old.unlink(missing_ok=True)
    for torn in folder.glob(".*.part"):
        torn.unlink(missing_ok=True)
    return path


def load_latest(folder: Path) -> Checkpoint | None:
    """Return the newest undamaged checkpoint of a folder, or None when there is none.

    Args:
        folder: Folder of one fit's checkpoints; may be missing.
    """
    for path in _newest_first(folder):
        content = path.read_bytes()
        match = _NAME.fullmatch(path.name)
        if match and sha256_hex(content) == match[2]:
            return _decode(content)
        _logger.warning("passing over the damaged checkpoint %s", path.name)
    return None


def _newest_first(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    files = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    # Of two files of one epoch either is right: they come from the same deterministic fit.
    return sorted(files, key=lambda path: path.name, reverse=True)


def to_parts(
    state: "TrainingState", history: list[JsonValue]
) -> "tuple[dict[str, Tensor], dict[str, JsonValue]]":
    """Split a state into tensors and everything else, as JSON.

    Args:
        state: What ``fit`` yielded.
        history: Metrics of all epochs so far.
    """
    from torch import Tensor

    tensors = {f"model/{name}": value.contiguous() for name, value in state.model.items()}
    numbers: dict[str, JsonValue] = {}
    for name, value in state.optimizer.items():
        if isinstance(value, Tensor):
            tensors[f"optimizer/{name}"] = value.contiguous()
        else:
            numbers[name] = value
    return tensors, {
        "epoch": state.epoch,
        "metrics": dict(state.metrics),
        "optimizer": numbers,
        "history": history,
    }


def from_parts(tensors: "Mapping[str, Tensor]", rest: Mapping[str, Any]) -> Checkpoint:
    """Join what ``to_parts`` split."""
    from models.training import TrainingState

    def part(prefix: str) -> "dict[str, Tensor]":
        return {
            name.removeprefix(prefix): value
            for name, value in tensors.items()
            if name.startswith(prefix)
        }

    state = TrainingState(
        epoch=rest["epoch"],
        model=part("model/"),
        optimizer=rest["optimizer"] | part("optimizer/"),
        metrics=rest["metrics"],
    )
    return Checkpoint(state, rest["history"])


def _encode(state: "TrainingState", history: list[JsonValue]) -> bytes:
    from safetensors.torch import save

    tensors, rest = to_parts(state, history)
    encoded: bytes = save(tensors, {name: json.dumps(value) for name, value in rest.items()})
    return encoded


def _decode(content: bytes) -> Checkpoint:
    from safetensors.torch import load

    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    rest = {name: json.loads(value) for name, value in header["__metadata__"].items()}
    return from_parts(load(content), rest)
