"""What a stage is given to work with, and what a finished one leaves behind."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue

from tasks.artifacts import ArtifactRef, ArtifactStore
from tasks.progress import Progress

if TYPE_CHECKING:
    import torch
    from torch import Tensor

T = TypeVar("T")
_MAKING = threading.Lock()


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

    def shared(self, key: str, make: Callable[[], T]) -> T:
        """Return what this process keeps under a key, made by whichever stage came first.

        Args:
            key: Name and content, such as a stage's key: stages of other inputs must not meet it.
            make: Makes it; others who want it wait meanwhile.
        """
        with _MAKING:
            if key not in self.memory:
                self.memory[key] = make()
            kept: T = self.memory[key]  # type: ignore[assignment]
            return kept

    def latest(self, slot: str, content: str, make: Callable[[], T]) -> T:
        """Return what this process keeps in a slot, made anew when it is of another content.

        Args:
            slot: What is kept one at a time, being large.
            content: What it is made of, such as a digest.
            make: Makes it; others who want anything shared wait meanwhile.
        """
        with _MAKING:
            kept = self.memory.get(slot)
            if not isinstance(kept, tuple) or kept[0] != content:
                self.memory[slot] = kept = (content, make())
            value: T = kept[1]
            return value

    def save_tensors(self, name: str, tensors: "Mapping[str, Tensor]") -> None:
        """Store tensors as output ``name``."""
        self.outputs[name] = self.artifacts.save_tensors(tensors)

    def save_json(self, name: str, value: JsonValue) -> None:
        """Store a JSON value as output ``name``."""
        self.outputs[name] = self.artifacts.save_json(value)

    def save_png(self, name: str, data: bytes) -> None:
        """Store a picture as output ``name``."""
        self.outputs[name] = self.artifacts.save_png(data)

    def save_text(self, name: str, text: str) -> None:
        """Store text as output ``name``, which becomes a file of the stage's own MLflow run.

        Args:
            name: Name of the file, e.g. ``label_queue.csv``.
            text: What it holds.
        """
        self.outputs[name] = self.artifacts.save_text(text)

    def load_tensors(self, result: StageResult, name: str) -> "dict[str, Tensor]":
        """Return the tensors that an earlier stage stored as ``name``."""
        return self.artifacts.load_tensors(result.outputs[name])

    def load_json(self, result: StageResult, name: str) -> JsonValue:
        """Return the JSON value that an earlier stage stored as ``name``."""
        return self.artifacts.load_json(result.outputs[name])
