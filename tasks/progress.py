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
        subject: What tells this stage from others of its name, e.g. ``edited graphs``; may be
            empty.
    """

    stage: str
    state: State
    done: int = 0
    total: int = 0
    detail: str = ""
    seconds: float = 0.0
    subject: str = ""

    @property
    def title(self) -> str:
        """Return what a person reads: the stage and what it is about."""
        return stage_title(self.stage, self.subject)


def stage_title(stage: str, subject: str = "") -> str:
    """Return a stage's name for people, with its subject when it has one."""
    words = stage.replace("_", " ")
    return f"{words}: {subject}" if subject else words


Listener = Callable[[ProgressEvent], None]


@dataclass
class Progress:
    """Reports of one running stage; a context manager around its work."""

    stage: str
    listeners: tuple[Listener, ...] = ()
    subject: str = ""
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
        seconds = time.monotonic() - self._started
        event = ProgressEvent(self.stage, state, done, total, detail, seconds, self.subject)
        for listener in self.listeners:
            listener(event)
