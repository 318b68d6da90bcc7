"""A store that sits out the outages of another one: asks again, with growing pauses."""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from feedback.errors import StoreAwayError, StoreError
from feedback.objects import ObjectInfo, ObjectStore

logger = logging.getLogger(__name__)

Value = TypeVar("Value")

PATIENCE = 120.0
"""Seconds that work waits for a store which is away."""
BRIEF_PATIENCE = 5.0
"""Seconds that a person before a terminal or a page waits."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_HICCUP = 1.0
"""Seconds; a shorter silence, such as one of a service that is busy, is not told."""


class PatientStore:
    """An object store whose every call is made again while the store behind it is away.

    Patience is counted by the outage, not by the call: once it is used up, calls fail at their
    first try until the store answers, so loops that wait on their own do not wait twice. A store
    that nobody asked for as long as that gets the whole patience again.

    Threads may share it. The log tells once that the store is away and once that it is back.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Wrap a store; it is not asked yet.

        Args:
            store: Raises ``StoreAwayError`` when a call may work later.
            patience: Longest outage that is sat out, seconds.
            clock: Seconds that only grow.
            sleep: Waits some seconds.
        """
        self._store = store
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._memory = max(patience, 2 * _LONGEST_PAUSE)
        self._away_since: float | None = None
        self._last_failure = 0.0
        self._is_told = False

    @property
    def url(self) -> str:
        """Address of the store."""
        return self._store.url

    def put(self, key: str, data: bytes) -> None:
        """Write an object, replacing one of the same key."""
        self.patiently(lambda: self._store.put(key, data))

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Write an object unless its key is taken, be it by a try of ours whose answer was lost."""
        lost = False

        def write() -> bool:
            nonlocal lost
            try:
                return self._store.put_if_absent(key, data) or (lost and self._is_ours(key, data))
            except StoreAwayError:
                lost = True
                raise

        return self.patiently(write)

    def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        """Read an object, at most ``max_bytes`` of it."""
        return self.patiently(lambda: self._store.get(key, max_bytes=max_bytes))

    def exists(self, key: str) -> bool:
        """Tell whether there is an object under the key."""
        return self.patiently(lambda: self._store.exists(key))

    def delete(self, key: str) -> None:
        """Remove an object; no error when there is none."""
        self.patiently(lambda: self._store.delete(key))

    def list(self, prefix: str = "") -> Sequence[ObjectInfo]:
        """List the objects whose key starts with ``prefix``, sorted by key."""
        return self.patiently(lambda: self._store.list(prefix))

    def folders(self, prefix: str) -> Sequence[str]:
        """List the parts that follow ``prefix`` in the keys of objects deeper down, sorted."""
        return self.patiently(lambda: self._store.folders(prefix))

    def patiently(self, call: Callable[[], Value]) -> Value:
        """Make a call until the store answers.

        Args:
            call: Does no harm when it is made twice.

        Returns:
            What it returns.

        Raises:
            StoreAwayError: If the store was away for longer than the patience.
        """
        pause, until = _FIRST_PAUSE, None
        while True:
            started = self._clock()
            try:
                value = call()
            except StoreAwayError as error:
                until = self._note_failure(error, started, until)
                left = until - self._clock()
                if left <= 0:
                    raise StoreAwayError(
                        f"{error}. It was asked for {self._patience:.0f} s: start the service, "
                        "then give the same command again, or set PARLEY_STORE_PATIENCE for work "
                        "to wait longer"
                    ) from None
            except Exception:
                # No, such as that there is no such object, is an answer, too.
                self._note_answer(started)
                raise
            else:
                self._note_answer(started)
                return value
            # Jitter: the many that met one outage must not all come back at one moment.
            self._sleep(min(left, pause * random.uniform(0.5, 1.0)))
            pause = min(_LONGEST_PAUSE, pause * 2)

    def _is_ours(self, key: str, data: bytes) -> bool:
        try:
            return self._store.get(key, max_bytes=len(data)) == data
        except StoreAwayError:
            raise
        except StoreError:
            # Larger, gone, or not ours to read: a winner who is not told beats two of them.
            return False

    def _note_failure(self, error: StoreAwayError, started: float, until: float | None) -> float:
        """Return when a call gives up; ``until`` is what it was told at its failure before."""
        with self._lock:
            now = self._clock()
            forgotten = until is None and now - self._last_failure > self._memory
            if self._away_since is None or forgotten:
                self._away_since, self._is_told = now, False
            self._last_failure = now
            if not self._is_told and now - min(started, self._away_since) >= _HICCUP:
                self._is_told = True
                logger.warning(
                    "the store is away; it is asked again for up to %.0f s: %s",
                    self._patience,
                    error,
                )
            # Others may take it for a new outage meanwhile; that gives this call no more time.
            end = self._away_since + self._patience
            return end if until is None else min(until, end)

    def _note_answer(self, started: float) -> None:
        with self._lock:
            # The answer to what was asked before the outage says nothing of it.
            if self._away_since is None or started < self._away_since:
                return
            if self._is_told:
                away = self._clock() - self._away_since
                logger.warning("the store is back after %.0f s", away)
            self._away_since = None
