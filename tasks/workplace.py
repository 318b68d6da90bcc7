"""The place where stages run: folders, stores and listeners, found from the settings."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from feedback.errors import StoreError
from feedback.store import BRIEF_PATIENCE, ObjectStore, open_store
from tasks.artifacts import ArtifactStore
from tasks.progress import Listener, Progress
from tasks.settings import Settings

if TYPE_CHECKING:
    from tasks.stage import StageResult

MIN_FREE = 32 * 2**20
"""Bytes that the databases of a run take before its first result is written."""


class Workplace:
    """Folders, stores and listeners shared by the stages of one run.

    Deliberately no dataclass: Prefect walks into dataclass arguments of a task, and there is
    nothing in here to resolve.

    Attributes:
        settings: The installation's addresses.
        artifacts: Artifacts and stage records.
        listeners: Told of every stage's progress.
        on_finished: Told of every finished or reused stage.
        fresh: Compute every stage again even when its key is known.
        results: Stages finished or found so far, in order.
        memory: What one stage leaves to the next of this process, such as outputs of frozen layers.
        subject: What the next stages are about, see ``about``.
        keys: Key of every stage met so far, by the digest of its name and inputs alone.
        pinned: Such keys that an earlier process of the same run met, before its code was changed.
    """

    def __init__(
        self,
        settings: Settings,
        artifacts: ArtifactStore,
        *,
        listeners: tuple[Listener, ...] = (),
        on_finished: tuple[Callable[["StageResult"], None], ...] = (),
        fresh: bool = False,
    ) -> None:
        self.settings = settings
        self.artifacts = artifacts
        self.listeners = listeners
        self.on_finished = on_finished
        self.fresh = fresh
        self.results: list[StageResult] = []
        self.memory: dict[str, object] = {}
        self.subject = ""
        self.keys: dict[str, str] = {}
        self.pinned: dict[str, str] = {}
        self._elsewhere = False

    @property
    def objects(self) -> ObjectStore:
        """The object store under the artifacts, where reviews are exchanged too."""
        return self.artifacts.objects

    def scratch_folder(self, key: str) -> Path:
        """Return the folder in which the stage with ``key`` keeps checkpoints; not created."""
        return self.settings.home / "work" / key[:32]

    def cache_folder(self) -> Path:
        """Return the folder of decoded data that may be deleted at any time."""
        folder = self.settings.home / "cache"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def digest_memory(self) -> Path:
        """Return the file that remembers the md5 of files already hashed."""
        return self.cache_folder() / "digests.json"

    def progress(self, stage: str) -> Progress:
        """Return the progress of a stage that is about to start."""
        return Progress(stage, self.listeners, self.subject)

    @contextmanager
    def about(self, subject: str) -> Iterator[None]:
        """Name what the stages within are about, where one name runs more than once.

        The words reach people only, never a key: the same stage about something else is reused.

        Args:
            subject: A few words, e.g. ``edited graphs, seed 1``.
        """
        before, self.subject = self.subject, subject
        try:
            yield
        finally:
            self.subject = before

    def finished(self, result: "StageResult") -> None:
        """Note that a stage finished or was found."""
        self.results.append(result)
        for listener in self.on_finished:
            listener(result)

    def detached(
        self, *, elsewhere: bool = False, listeners: tuple[Listener, ...] = ()
    ) -> "Workplace":
        """Return a workplace for computing apart: the same stores and keys, a memory of its own.

        It may be pickled for another process, which opens the stores anew and tells no listener.

        Args:
            elsewhere: That process goes by its own environment, as one on another host does; else
                by the settings of this one.
            listeners: Told of the progress of stages there.
        """
        other = Workplace(self.settings, self.artifacts, listeners=listeners, fresh=self.fresh)
        other.pinned = dict(self.pinned)
        other._elsewhere = elsewhere
        return other

    def __reduce__(self) -> tuple[object, ...]:
        # Another process may have another working directory.
        store = self.settings.store_url()
        places = {
            "home": self.settings.home.absolute(),
            "store": store if "://" in store else str(Path(store).absolute()),
        }
        here = self.settings.model_copy(update=places)
        return _reopened, (None if self._elsewhere else here, self.fresh, self.pinned)


def _reopened(settings: Settings | None, fresh: bool, pinned: dict[str, str]) -> Workplace:
    workplace = open_workplace(settings or Settings(), fresh=fresh)
    workplace.pinned = dict(pinned)
    return workplace


def open_workplace(
    settings: Settings,
    *,
    listeners: tuple[Listener, ...] = (),
    fresh: bool = False,
    brief: bool = False,
) -> Workplace:
    """Open the object store and the folders of this installation.

    Args:
        settings: The installation's addresses.
        listeners: Told of every stage's progress.
        fresh: Compute every stage again even when its key is known.
        brief: A person waits for the answer: tell soon that the store is away.

    Returns:
        The opened workplace.

    Raises:
        StoreError: If ``home`` or the object store cannot be written.
    """
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"expected a writable folder at {settings.home} (got: {error.strerror}); "
            "free it, or name another one in PARLEY_HOME"
        ) from error
    patience = min(settings.store_patience, BRIEF_PATIENCE) if brief else settings.store_patience
    return Workplace(
        settings=settings,
        artifacts=ArtifactStore(open_store(settings.store_url(), patience=patience)),
        listeners=listeners,
        fresh=fresh,
    )


def check_room(home: Path) -> None:
    """Refuse to start a run in a folder that is read-only, or on a disk that is all but full.

    Args:
        home: Folder of everything that a run leaves behind.

    Raises:
        StoreError: If a run could not write there.
    """
    if not os.access(home, os.W_OK | os.X_OK):
        raise StoreError(
            f"expected a writable folder at {home} (got one that is read-only); make it writable, "
            "or name another one in PARLEY_HOME"
        )
    free = shutil.disk_usage(home).free
    if free < MIN_FREE:
        raise StoreError(
            f"expected at least {MIN_FREE >> 20} MB free at {home} (got {free >> 20}); free disk "
            "space, or name a folder on another disk in PARLEY_HOME"
        )
