"""A stage: one step of the pipeline, keyed by everything it depends on and never computed twice.

The key is the sha256 of canonical JSON of the stage's name and version, the source of the modules
it computes with, its parameters, and the digests of its inputs. The record of a finished stage lies
in object storage under that key, so the same key is found again after a pause, after a crash, in
next week's run and on another machine.
"""

import contextlib
import fcntl
import functools
import inspect
import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from pydantic import BaseModel, ConfigDict, JsonValue

from feedback.canonical import canonical_json, sha256_hex
from feedback.errors import ArtifactError, StoreError
from tasks.artifacts import ArtifactRef, ArtifactStore
from tasks.gpu import gpu_turn
from tasks.progress import Progress
from tasks.source import source_digest
from tasks.workplace import Workplace

if TYPE_CHECKING:
    import torch
    from torch import Tensor

logger = logging.getLogger(__name__)
P = ParamSpec("P")
RECORD_VERSION = 1


class StageResult(BaseModel):
    """What a finished stage left behind: a small reference that tasks pass to each other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    key: str
    outputs: dict[str, ArtifactRef]
    facts: dict[str, JsonValue]
    seconds: float
    reused: bool = False

    def digest(self) -> dict[str, JsonValue]:
        """Return what a later stage depends on: the content, not the time it took."""
        return {
            "outputs": {name: ref.sha256 for name, ref in sorted(self.outputs.items())},
            "facts": self.facts,
        }

    def number(self, fact: str) -> float:
        """Return a fact that is a number."""
        value = self.facts[fact]
        if not isinstance(value, int | float):
            raise TypeError(f"expected a number as {fact} of stage {self.name} (got {value!r})")
        return float(value)

    def int_list(self, fact: str) -> list[int]:
        """Return a fact that is a list of whole numbers."""
        value = self.facts[fact]
        if not isinstance(value, list):
            raise TypeError(f"expected a list as {fact} of stage {self.name} (got {value!r})")
        return [item for item in value if isinstance(item, int)]


@dataclass
class Work:
    """What a running stage may touch: artifacts, a folder that survives a crash, progress.

    Attributes:
        artifacts: The artifact store, for reading inputs.
        scratch: A folder of this stage's key; kept when the process dies, removed when the stage
            finishes.
        cache: A folder for decoded data that any stage may share and anyone may delete.
        progress: Where to report how far the stage has come.
        memory: What one stage may leave to the next of the same process; never needed, only faster.
        outputs: What was stored so far.
        turn: Waits until the GPU of this host is free, and holds it until the stage ends.
    """

    artifacts: ArtifactStore
    scratch: Path
    cache: Path
    progress: Progress
    memory: dict[str, object] = field(default_factory=dict)
    outputs: dict[str, ArtifactRef] = field(default_factory=dict)
    turn: Callable[[], None] = field(default=lambda: None)

    def device(self) -> "torch.device":
        """Return where this stage computes; a GPU is waited for, and held until the stage ends."""
        from tasks.device import best_device

        device = best_device()
        if device.type != "cpu":
            self.turn()
        return device

    def save_tensors(self, name: str, tensors: "Mapping[str, Tensor]") -> None:
        """Store tensors as output ``name``."""
        self.outputs[name] = self.artifacts.save_tensors(tensors)

    def save_json(self, name: str, value: JsonValue) -> None:
        """Store a JSON value as output ``name``."""
        self.outputs[name] = self.artifacts.save_json(value)

    def save_png(self, name: str, data: bytes) -> None:
        """Store a picture as output ``name``."""
        self.outputs[name] = self.artifacts.save_png(data)

    def load_tensors(self, result: StageResult, name: str) -> "dict[str, Tensor]":
        """Return the tensors that an earlier stage stored as ``name``."""
        return self.artifacts.load_tensors(result.outputs[name])

    def load_json(self, result: StageResult, name: str) -> JsonValue:
        """Return the JSON value that an earlier stage stored as ``name``."""
        return self.artifacts.load_json(result.outputs[name])


StageFunction = Callable[Concatenate[Work, P], dict[str, JsonValue]]


def stage(
    name: str, *, version: int
) -> Callable[[StageFunction[P]], Callable[Concatenate[Workplace, P], StageResult]]:
    """Turn a computation into a stage that runs at most once per key.

    Args:
        name: The stage's name in keys, progress and reports.
        version: Raised by hand when the meaning of the result changes although no source does.

    Returns:
        A decorator. The decorated function takes a ``Workplace`` in place of ``Work``; its keyword
        arguments must be stage results, pydantic models or JSON values, and all of them enter the
        key.
    """

    def decorate(
        function: StageFunction[P],
    ) -> Callable[Concatenate[Workplace, P], StageResult]:
        @functools.wraps(function)
        def run(workplace: Workplace, /, *args: P.args, **kwargs: P.kwargs) -> StageResult:
            if args:
                raise TypeError(
                    f"stage {name} takes keyword arguments only (got {len(args)} positional)"
                )
            described = {key: describe_input(value) for key, value in kwargs.items()}
            key = sha256_hex(
                canonical_json(
                    {
                        "stage": name,
                        "version": version,
                        "code": source_digest(function.__module__),
                        "inputs": described,
                    }
                )
            )
            # A run goes on from what people were shown, though its code was redeployed.
            asked = sha256_hex(canonical_json({"stage": name, "inputs": described}))
            pinned = workplace.pinned.get(asked, key)
            if pinned != key and _find(workplace, name, pinned) is not None:
                key = pinned
            workplace.keys[asked] = key
            with _only_one(workplace.scratch_folder(key).with_suffix(".lock")):
                found = _find(workplace, name, key)
                if found is not None:
                    # A process killed right after its record left its checkpoints behind.
                    shutil.rmtree(workplace.scratch_folder(key), ignore_errors=True)
                    workplace.finished(found)
                    return found
                work = Work(
                    artifacts=workplace.artifacts,
                    scratch=workplace.scratch_folder(key),
                    cache=workplace.cache_folder(),
                    progress=workplace.progress(name),
                    memory=workplace.memory,
                )
                work.scratch.mkdir(parents=True, exist_ok=True)
                started = time.monotonic()
                with work.progress, contextlib.ExitStack() as held:
                    work.turn = _gpu_turn(workplace, name, work.progress, held)
                    facts = function(work, *args, **kwargs)
                result = StageResult(
                    name=name,
                    key=key,
                    outputs=work.outputs,
                    facts=facts,
                    seconds=round(time.monotonic() - started, 3),
                )
                workplace.artifacts.objects.put(
                    _record_key(name, key), canonical_json(result.model_dump(mode="json"))
                )
                shutil.rmtree(work.scratch, ignore_errors=True)
            workplace.finished(result)
            return result

        return run

    return decorate


def describe_input(value: object) -> JsonValue:
    """Return what a stage's key holds of one input: content, never a place or a time.

    Args:
        value: A stage result, a pydantic model (whose ``content_key()`` is taken when it has one),
            or JSON values.

    Raises:
        TypeError: If the value is anything else.
    """
    if isinstance(value, StageResult):
        return value.digest()
    if isinstance(value, BaseModel):
        digest = getattr(value, "content_key", None)
        dumped: JsonValue = digest() if inspect.ismethod(digest) else value.model_dump(mode="json")
        return dumped
    if isinstance(value, Mapping):
        return {str(key): describe_input(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [describe_input(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(
        "expected a stage result, a pydantic model or a JSON value as stage input "
        f"(got {type(value)})"
    )


def _record_key(name: str, key: str) -> str:
    return f"stages/{name}/{key}.json"


def _find(workplace: Workplace, name: str, key: str) -> StageResult | None:
    if workplace.fresh:
        return None
    objects = workplace.artifacts.objects
    try:
        if not objects.exists(_record_key(name, key)):
            return None
        result = StageResult.model_validate(json.loads(objects.get(_record_key(name, key))))
        for ref in result.outputs.values():
            # Read in full: a damaged artifact must be found here, where it can be computed again.
            workplace.artifacts.load_bytes(ref)
    except (ValueError, ArtifactError) as error:
        logger.warning("stage %s is computed again: its record is unusable (%s)", name, error)
        return None
    except StoreError as error:
        raise StoreError(f"expected to read the record of stage {name} ({error})") from error
    return result.model_copy(update={"reused": True})


def _gpu_turn(
    workplace: Workplace, name: str, progress: Progress, held: contextlib.ExitStack
) -> Callable[[], None]:
    """Return what takes the GPU of this host once, however often a stage asks for its device."""
    taken = False

    def told(line: str) -> None:
        logger.warning("%s: %s", name, line)
        progress(0, 0, line)

    def take() -> None:
        nonlocal taken
        if not taken:
            held.enter_context(gpu_turn(workplace.settings.home, name, told))
            taken = True

    return take


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Keep two processes of this host from computing the same key at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
