"""Whether services still answer: one that hangs is alive to the kernel and dead to its users."""

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

EVERY_SECONDS = 10.0
"""Pause between two looks at the services."""
HUNG_SECONDS = 60.0
"""A service that answered before and has not for so long hangs."""
LEAST_UNANSWERED = 3
"""Questions that must have gone unanswered in that time: a machine that slept asks none."""
ANSWER_SECONDS = 10.0
"""How long an answer may take."""


@dataclass
class _Watched:
    address: str
    answered: float | None = None
    unanswered: int = 0


class HealthWatch:
    """Asks services again and again, in a thread of its own, since an answer may take long."""

    def __init__(
        self,
        *,
        ask: Callable[[str, float], bool] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing is asked before ``start``.

        Args:
            ask: Tells whether an address answers within some seconds.
            clock: Seconds that only grow.
        """
        self._ask, self._clock = ask or answers, clock
        self._watched: dict[str, _Watched] = {}
        self._lock, self._over = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="health", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def close(self) -> None:
        """Ask no more."""
        self._over.set()

    def watch(self, name: str, address: str) -> None:
        """Ask a service from now on; one that was started anew is another one.

        Args:
            name: Its name.
            address: What answers 200 while it is well.
        """
        with self._lock:
            self._watched[name] = _Watched(address)

    def look(self) -> None:
        """Ask every service once."""
        with self._lock:
            asked = dict(self._watched)
        for name, one in asked.items():
            is_well, now = self._ask(one.address, ANSWER_SECONDS), self._clock()
            with self._lock:
                if self._watched.get(name) is not one:
                    continue  # started anew while it was asked
                if is_well:
                    one.answered, one.unanswered = now, 0
                else:
                    one.unanswered += 1

    def hung(self) -> list[str]:
        """Return the services that answered before and do not any more."""
        now = self._clock()
        with self._lock:
            return [
                name
                for name, one in self._watched.items()
                if one.answered is not None
                and one.unanswered >= LEAST_UNANSWERED
                and now - one.answered > HUNG_SECONDS
            ]

    def _look_on(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            self.look()


def answers(address: str, seconds: float = 2.0) -> bool:
    """Tell whether an address answers with 200.

    Args:
        address: The address.
        seconds: How long the answer may take.
    """
    try:
        with urllib.request.urlopen(address, timeout=seconds) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False
