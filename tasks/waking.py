"""Waking the runs that wait without a process, when their request is decided.

A wake-up proves nothing and may be lost or come twice: the run looks at the decision itself, and
what could not be woken is tried again at the next look.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from feedback.errors import OrchestrationError, StoreAwayError, StoreError
from feedback.objects import ObjectStore
from feedback.parking import ParkedRun, list_parked, unpark

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

logger = logging.getLogger(__name__)


@dataclass
class WakeReport:
    """What became of the runs whose request is decided.

    Attributes:
        woken: Runs that were asked to go on.
        failed: (run, why) of runs that could not be woken; the next look tries again.
    """

    woken: list[ParkedRun] = field(default_factory=list)
    failed: list[tuple[ParkedRun, str]] = field(default_factory=list)


def wake_runs(store: ObjectStore, decided: Collection[str]) -> WakeReport:
    """Ask the orchestrator to go on with every run whose request is decided.

    Args:
        store: Holds the notes of who waits.
        decided: Requests that are closed.

    Returns:
        Who was woken and who could not be.

    Raises:
        StoreError: If the store cannot be read or written.
    """
    report = WakeReport()
    due = [run for run in list_parked(store) if run.request_id in decided]
    if not due:
        return report
    try:
        with orchestrator() as client:
            for run in due:
                _wake(store, client, run, report)
    except OrchestrationError as error:
        report.failed += [(run, str(error)) for run in due]
    for run, why in report.failed:
        logger.warning("run %s could not be woken, trying again: %s", run.flow_run, why)
    return report


def _wake(
    store: ObjectStore, client: "SyncPrefectClient", run: ParkedRun, report: WakeReport
) -> None:
    import httpx
    from prefect.client.schemas.responses import SetStateStatus
    from prefect.exceptions import ObjectNotFound

    try:
        state = client.read_flow_run(UUID(run.flow_run)).state
        if state is not None and state.is_paused():
            # The server answers 200 whatever it does: only the status tells.
            answer = client.resume_flow_run(UUID(run.flow_run))
            if answer.status is SetStateStatus.ACCEPT:
                report.woken.append(run)
            else:
                report.failed.append((run, f"the orchestrator answered {answer.status.value}"))
        elif state is not None and state.is_final():
            _forget(store, run, report)
        # Running or scheduled: it takes its note away itself, once it has read the decision.
    except ObjectNotFound:
        _forget(store, run, report)
    except httpx.HTTPError as error:
        report.failed.append((run, f"{type(error).__name__}: the orchestrator does not answer"))


def _forget(store: ObjectStore, run: ParkedRun, report: WakeReport) -> None:
    """Take away the note of a run that has ended; one that stays must keep nobody else waiting."""
    try:
        unpark(store, run)
    except StoreAwayError:
        raise
    except StoreError as error:
        report.failed.append((run, f"it has ended, and its note stays: {error}"))


def orchestrator() -> "SyncPrefectClient":
    """Open a client of the Prefect server that the settings name.

    Raises:
        OrchestrationError: If they name none.
    """
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    if not PREFECT_API_URL.value():
        # Without an address Prefect would start a server of its own, which knows no such runs.
        raise OrchestrationError(
            "expected the address of the Prefect server in PREFECT_API_URL (got none); set it for "
            "the watcher too"
        )
    return get_client(sync_client=True)
