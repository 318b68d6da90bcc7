"""How far a stage has come, told to whoever listens: the terminal, the orchestrator, or nobody."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

State = Literal["started", "advanced", "finished", "failed"]


@dataclass(frozen=True)
class ProgressEvent:
    """One report of a stage.

    Attributes:
        stage: Name of the stage.
        state: Whether it started, advanced, finished or failed.
        done: Units done.
        total: Units in all; 0 when unknown.
        detail: A few words, e.g. the loss of the last epoch.
        seconds: Seconds since the stage started.
    """

    stage: str
    state: State
    done: int = 0
    total: int = 0
    detail: str = ""
    seconds: float = 0.0


Listener = Callable[[ProgressEvent], None]


@dataclass
class Progress:
    """Reports of one running stage; a context manager around its work."""

    stage: str
    listeners: tuple[Listener, ...] = ()
    _started: float = field(default_factory=time.monotonic)

    def __call__(self, done: int, total: int, detail: str = "") -> None:
        """Report that ``done`` of ``total`` units are finished."""
        self._tell("advanced", done, total, detail)

    def __enter__(self) -> Self:
        self._tell("started")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._tell("finished" if kind is None else "failed")

    def _tell(self, state: State, done: int = 0, total: int = 0, detail: str = "") -> None:
        event = ProgressEvent(
            self.stage, state, done, total, detail, time.monotonic() - self._started
        )
        for listener in self.listeners:
            listener(event)
