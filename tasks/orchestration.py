"""Progress of long stages as Prefect artifacts, for whoever looks at the orchestrator's page.

A stage hardly waits for its own progress bar and never fails for it: updates are rare, and after
one that fails there is none for minutes.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from tasks.progress import ProgressEvent

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

logger = logging.getLogger(__name__)
EVERY_SECONDS = 2.0
"""No artifact is updated more often, and none is made for a stage that takes less."""
COST_SHARE = 0.005
"""Share of the time between two updates that an update may take; a slow server gets fewer."""
PATIENCE_SECONDS = 2.0
"""How long one update may wait for the server."""
BUSY_SECONDS = (0.02, 0.1)
"""Pauses before an update that a busy server refused is sent again."""
AWAY_SECONDS = 300.0
"""How long a server that did not answer is left alone."""


class ProgressArtifacts:
    """A listener that shows every long stage as a progress artifact of its task run.

    Outside a Prefect run it does nothing.

    Args:
        clock: Tells the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shown: dict[str, UUID] = {}
        self._next: dict[str, float] = {}
        self._away_until = float("-inf")

    def __call__(self, event: ProgressEvent) -> None:
        """Take note of one report of a stage."""
        now = self._clock()
        if event.state == "started":
            self._shown.pop(event.stage, None)
            self._next[event.stage] = now + EVERY_SECONDS
            return
        if now < self._away_until or not any(_run_ids()):
            return
        if event.state == "advanced":
            if now < self._next.get(event.stage, 0.0):
                return
            self._tell(event, 100.0 * event.done / event.total if event.total else 0.0)
            done = self._clock()
            self._next[event.stage] = done + max(EVERY_SECONDS, (done - now) / COST_SHARE)
        elif event.stage in self._shown:
            # A failed stage keeps the share that it had reached.
            self._tell(event, 100.0 if event.state == "finished" else None)
            del self._shown[event.stage]

    def _tell(self, event: ProgressEvent, percent: float | None) -> None:
        from prefect.exceptions import PrefectHTTPStatusError

        try:
            for patience in BUSY_SECONDS:
                try:
                    self._send(event, percent)
                    return
                except PrefectHTTPStatusError as error:
                    # SQLite refuses a write that began before another's end, and is free at once.
                    if error.response.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                        raise
                    time.sleep(patience)
            self._send(event, percent)
        # Whatever the server's client raises, the stage's work is worth more than its bar.
        except Exception as error:
            self._away_until = self._clock() + AWAY_SECONDS
            logger.info("the orchestrator takes no progress for now (%s)", error)

    def _send(self, event: ProgressEvent, percent: float | None) -> None:
        from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate

        shown, text, ids = self._shown.get(event.stage), _description(event), _run_ids()
        with impatient_client() as client:
            if shown is None:
                made = client.create_artifact(
                    ArtifactCreate(
                        type="progress",
                        key=_key(event),
                        description=text,
                        data=percent,
                        flow_run_id=ids.flow,
                        task_run_id=ids.task,
                    )
                )
                self._shown[event.stage] = made.id
            elif percent is None:
                client.update_artifact(shown, ArtifactUpdate(description=text))
            else:
                client.update_artifact(shown, ArtifactUpdate(description=text, data=percent))


class _RunIds(NamedTuple):
    """The runs of the orchestrator that the calling code belongs to."""

    flow: UUID | None
    task: UUID | None


def _run_ids() -> _RunIds:
    from prefect.context import FlowRunContext, TaskRunContext

    flow, task = FlowRunContext.get(), TaskRunContext.get()
    flow_run = None if flow is None or flow.flow_run is None else flow.flow_run.id
    if task is None:
        return _RunIds(flow_run, None)
    return _RunIds(flow_run or task.task_run.flow_run_id, task.task_run.id)


@contextmanager
def impatient_client() -> "Iterator[SyncPrefectClient]":
    """Open a client that gives up at once; the run's own would try again for a minute."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    with (
        temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
        # Settings of its own make it another client than the one that the run shares.
        get_client(sync_client=True, httpx_settings={"timeout": PATIENCE_SECONDS}) as client,
    ):
        yield client


def _key(event: ProgressEvent) -> str:
    # Prefect takes lower-case letters, digits and dashes.
    return re.sub(r"[^a-z0-9]+", "-", event.stage.lower()).strip("-")


def _description(event: ProgressEvent) -> str:
    words = [event.title]
    if event.total:
        words.append(f"{round(event.done, 1):.12g} of {event.total}")
    if event.detail:
        words.append(event.detail)
    if event.state != "advanced":
        words.append(f"{event.state} after {event.seconds:.0f} s")
    return " · ".join(words)
