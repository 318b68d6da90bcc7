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
from pathlib import Path
from typing import Concatenate, Generic, ParamSpec

from pydantic import BaseModel, JsonValue

from feedback.canonical import canonical_json, sha256_hex
from feedback.errors import ArtifactError, StoreError
from tasks.gpu import gpu_turn
from tasks.progress import Progress
from tasks.source import source_digest
from tasks.work import StageResult as StageResult
from tasks.work import Work as Work
from tasks.workplace import Workplace

logger = logging.getLogger(__name__)
P = ParamSpec("P")
RECORD_VERSION = 1


StageFunction = Callable[Concatenate[Work, P], dict[str, JsonValue]]


class Stage(Generic[P]):
    """A computation that runs at most once per key.

    Args:
        function: Computes; its keyword arguments must be stage results, pydantic models or JSON
            values, and all of them enter the key.
        name: The stage's name in keys, progress and reports.
        version: Raised by hand when the meaning of the result changes although no source does.
    """

    def __init__(self, function: StageFunction[P], name: str, version: int) -> None:
        # Whoever looks at the signature sees the computation's own.
        functools.update_wrapper(self, function)
        self._function = function
        self.name = name
        self.version = version

    def __call__(self, workplace: Workplace, /, *args: P.args, **kwargs: P.kwargs) -> StageResult:
        """Find the result, or compute and keep it, and tell the workplace of it.

        Args:
            workplace: Where the result is kept, and who is told.
            *args: None are taken.
            **kwargs: The computation's arguments.
        """
        if args:
            raise TypeError(
                f"stage {self.name} takes keyword arguments only (got {len(args)} positional)"
            )
        key = self._key(workplace, kwargs)
        with _only_one(workplace.scratch_folder(key).with_suffix(".lock")):
            found = _find(workplace, self.name, key)
            if found is not None:
                _clear(workplace, key)
                workplace.finished(found)
                return found
            work = Work(
                artifacts=workplace.artifacts,
                scratch=workplace.scratch_folder(key),
                cache=workplace.cache_folder(),
                progress=workplace.progress(self.name),
                memory=workplace.memory,
            )
            work.scratch.mkdir(parents=True, exist_ok=True)
            started = time.monotonic()
            with work.progress, contextlib.ExitStack() as held:
                work.turn = _gpu_turn(workplace, self.name, work.progress, held)
                facts = self._function(work, *args, **kwargs)
            result = StageResult(
                name=self.name,
                key=key,
                outputs=work.outputs,
                facts=facts,
                seconds=round(time.monotonic() - started, 3),
            )
            workplace.artifacts.objects.put(
                _record_key(self.name, key), canonical_json(result.model_dump(mode="json"))
            )
            _clear(workplace, key)
        workplace.finished(result)
        return result

    def find(self, workplace: Workplace, kwargs: Mapping[str, object]) -> StageResult | None:
        """Return the result if it is known, without telling anybody.

        Args:
            workplace: Where results are kept; notes the key that this run goes by.
            kwargs: The computation's arguments.
        """
        key = self._key(workplace, kwargs)
        found = _find(workplace, self.name, key)
        if found is not None and workplace.scratch_folder(key).exists():
            with _only_one(workplace.scratch_folder(key).with_suffix(".lock")):
                _clear(workplace, key)
        return found

    def _key(self, workplace: Workplace, kwargs: Mapping[str, object]) -> str:
        described = {key: describe_input(value) for key, value in kwargs.items()}
        key = sha256_hex(
            canonical_json(
                {
                    "stage": self.name,
                    "version": self.version,
                    "code": source_digest(self._function.__module__),
                    "inputs": described,
                }
            )
        )
        # A run goes on from what people were shown, though its code was redeployed.
        asked = sha256_hex(canonical_json({"stage": self.name, "inputs": described}))
        pinned = workplace.pinned.get(asked, key)
        if pinned != key and _find(workplace, self.name, pinned) is not None:
            key = pinned
        workplace.keys[asked] = key
        return key


def stage(name: str, *, version: int) -> Callable[[StageFunction[P]], Stage[P]]:
    """Turn a computation into a stage that runs at most once per key.

    Args:
        name: The stage's name in keys, progress and reports.
        version: Raised by hand when the meaning of the result changes although no source does.

    Returns:
        A decorator. The decorated function takes a ``Workplace`` in place of ``Work``.
    """
    return lambda function: Stage(function, name, version)


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
        # Of its own class: whether the store is away tells what becomes of the run.
        raise type(error)(f"expected to read the record of stage {name} ({error})") from error
    return result.model_copy(update={"reused": True})


def _clear(workplace: Workplace, key: str) -> None:
    """Remove a finished stage's checkpoints; a process killed right after its record left them."""
    shutil.rmtree(workplace.scratch_folder(key), ignore_errors=True)


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
