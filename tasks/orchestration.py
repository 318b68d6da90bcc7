"""Progress of long stages as Prefect artifacts, for whoever looks at the orchestrator's page.

A stage never waits for its own progress bar: updates are rare, and the first one that fails is the
last one of the run.
"""

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from tasks.progress import ProgressEvent

logger = logging.getLogger(__name__)
EVERY_SECONDS = 2.0
"""No artifact is updated more often, and none is made for a stage that takes less."""
COST_SHARE = 0.005
"""Share of the time between two updates that an update may take; a slow server gets fewer."""
PATIENCE_SECONDS = 2.0
"""How long one update may wait for the server."""


class ProgressArtifacts:
    """A listener that shows every long stage as a progress artifact of its task run.

    Outside a Prefect run it does nothing.

    Args:
        every_seconds: Least time between two updates.
    """

    def __init__(self, every_seconds: float = EVERY_SECONDS) -> None:
        self._every = every_seconds
        self._shown: dict[str, UUID] = {}
        self._next: dict[str, float] = {}
        self._is_away = False

    def __call__(self, event: ProgressEvent) -> None:
        """Take note of one report of a stage."""
        now = time.monotonic()
        if event.state == "started":
            self._shown.pop(event.stage, None)
            self._next[event.stage] = now + self._every
            return
        if self._is_away or not _in_a_run():
            return
        if event.state == "advanced":
            if now < self._next.get(event.stage, 0.0):
                return
            self._tell(event, 100.0 * event.done / event.total if event.total else 0.0)
            cost = time.monotonic() - now
            self._next[event.stage] = now + cost + max(self._every, cost / COST_SHARE)
        elif event.stage in self._shown:
            # A failed stage keeps the share that it had reached.
            self._tell(event, 100.0 if event.state == "finished" else None)
            del self._shown[event.stage]

    def _tell(self, event: ProgressEvent, percent: float | None) -> None:
        from prefect.artifacts import create_progress_artifact, update_progress_artifact

        artifact = self._shown.get(event.stage)
        try:
            with _impatient():
                if artifact is None:
                    made = create_progress_artifact(
                        progress=percent or 0.0, key=_key(event), description=_description(event)
                    )
                    # Its type allows for a coroutine, which is what it gives in an event loop.
                    if isinstance(made, UUID):
                        self._shown[event.stage] = made
                elif percent is not None:
                    update_progress_artifact(artifact, percent, _description(event))
        # Whatever the server's client raises, the stage's work is worth more than its bar.
        except Exception as error:
            self._is_away = True
            logger.info("the orchestrator takes no progress any more (%s)", error)


def _in_a_run() -> bool:
    from prefect.context import FlowRunContext, TaskRunContext

    return TaskRunContext.get() is not None or FlowRunContext.get() is not None


@contextmanager
def _impatient() -> Iterator[None]:
    """Let Prefect's client give up at once instead of trying again for a minute."""
    from prefect.settings import (
        PREFECT_API_REQUEST_TIMEOUT,
        PREFECT_CLIENT_MAX_RETRIES,
        temporary_settings,
    )

    with temporary_settings(
        {PREFECT_CLIENT_MAX_RETRIES: 0, PREFECT_API_REQUEST_TIMEOUT: PATIENCE_SECONDS}
    ):
        yield


def _key(event: ProgressEvent) -> str:
    # Prefect takes lower-case letters, digits and dashes.
    return re.sub(r"[^a-z0-9]+", "-", event.stage.lower()).strip("-")


def _description(event: ProgressEvent) -> str:
    words = [event.title]
    if event.total:
        words.append(f"{event.done} of {event.total}")
    if event.detail:
        words.append(event.detail)
    if event.state != "advanced":
        words.append(f"{event.state} after {event.seconds:.0f} s")
    return " · ".join(words)
