"""How far a stage has come, told to whoever listens: the terminal, the orchestrator, or nobody."""

import threading
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
        done: Units done, the shares of those under way included.
        total: Units in all; 0 when unknown.
        detail: A few words, e.g. the loss of the last epoch.
        seconds: Seconds since the stage started.
        subject: What tells this stage from others of its name, e.g. ``edited graphs``; may be
            empty.
    """

    stage: str
    state: State
    done: float = 0
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

    def __call__(self, done: float, total: int, detail: str = "") -> None:
        """Report that ``done`` of ``total`` units are finished, perhaps some of them in part."""
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

    def _tell(self, state: State, done: float = 0, total: int = 0, detail: str = "") -> None:
        seconds = time.monotonic() - self._started
        event = ProgressEvent(self.stage, state, done, total, detail, seconds, self.subject)
        for listener in self.listeners:
            listener(event)


class JointProgress:
    """One progress for subjects that threads work on at the same time, each with one of its own.

    Args:
        progress: Told how many subjects are done, those under way counted by their shares.
        n_subjects: Subjects in all.
    """

    def __init__(self, progress: Progress, n_subjects: int) -> None:
        self._progress = progress
        self._n_subjects = n_subjects
        self._shares: dict[str, float] = {}
        self._one_at_a_time = threading.Lock()

    def listener(self, subject: str) -> Listener:
        """Return the listener to a subject's own progress."""

        def listen(event: ProgressEvent) -> None:
            if event.state == "advanced":
                share = event.done / event.total if event.total else 0.0
                self._tell(subject, share, event.detail)

        return listen

    def finished(self, subject: str) -> None:
        """Report that a subject is done."""
        self._tell(subject, 1.0, "")

    def _tell(self, subject: str, share: float, detail: str) -> None:
        with self._one_at_a_time:
            # Whoever waits for a subject may learn of its end before its last share is told.
            self._shares[subject] = max(share, self._shares.get(subject, 0.0))
            words = f"{subject}: {detail}" if detail else subject
            self._progress(sum(self._shares.values()), self._n_subjects, words)
