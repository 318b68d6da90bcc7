"""Starting runs again whose process was killed, or whose store was away for too long.

The orchestrator may think of the former that they still run, and has the latter as failed. One that
was killed before it noted itself is known to the orchestrator alone: as crashed or, when its worker
was killed too, as about to start for ever.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from feedback.errors import OrchestrationError
from tasks.liveness import DeadRun, find_dead, forget, is_alive, note_recovery, reaping
from tasks.waking import orchestrator

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import State

logger = logging.getLogger(__name__)

FLOW = "retrain-deployed"
"""Name of the flow whose runs are started again."""
MOST_RECOVERIES = 3
"""How often one run is started again without going forward; one that always dies would keep others
waiting."""
SETTLE_SECONDS = 10.0
"""Time between seeing a dead run and acting: its runner marks it as crashed up to 5 s later, which
would hit the new attempt."""
START_SECONDS = 120.0
"""Longest time that a run may be about to start; a process that starts in a busy minute needs
twenty seconds."""
CRASH_MEMORY = timedelta(hours=1)
"""A run that crashed before it noted itself is started again within this time; what lies further
back has been seen by people or by the schedule."""
MOST_READ = 100
"""Runs of one kind that the orchestrator is asked for."""


@dataclass
class RecoveryReport:
    """What became of the runs that died through no fault of their own.

    Attributes:
        recovered: Ids of runs that were started again.
        given_up: Ids of runs that died too often.
    """

    recovered: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)


def recover_runs(
    home: Path,
    *,
    check: Callable[[], object] = lambda: None,
    settle_seconds: float = SETTLE_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> RecoveryReport:
    """Start every run again whose process was killed or whose store was away.

    Args:
        home: Folder of the installation, which the runs share.
        check: Called when there is one; raises when runs could not work now, as without a store.
        settle_seconds: How long a run must be dead.
        sleep: Waits some seconds.

    Returns:
        What was done.

    Raises:
        OrchestrationError: If the orchestrator does not answer.
    """
    import httpx

    report = RecoveryReport()
    try:
        with orchestrator() as client:
            seen = {run.flow_run: _state(client, run.flow_run) for run in _dead(home, client)}
        if not seen:
            return report
        check()
        sleep(settle_seconds)
        with reaping(home), orchestrator() as client:
            for run in _dead(home, client):
                if run.flow_run in seen:
                    _recover(home, client, run, seen[run.flow_run], report)
    except httpx.HTTPError as error:
        raise OrchestrationError(
            f"expected the Prefect server to answer (got {type(error).__name__}); start it, then "
            "recover again"
        ) from error
    return report


def _dead(home: Path, client: "SyncPrefectClient") -> list[DeadRun]:
    """Return what noted itself on this host and died, then what died before it could."""
    noted = find_dead(home)
    known = {run.flow_run for run in noted}
    return noted + [
        DeadRun(run, 0)
        for run in _never_noted(client)
        if run not in known and not is_alive(home, run)
    ]


def _never_noted(client: "SyncPrefectClient") -> list[str]:
    """Return the runs that the orchestrator has as crashed, or as about to start for too long."""
    from prefect.client.schemas.filters import (
        FlowFilter,
        FlowFilterName,
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import FlowRunSort

    now = datetime.now(UTC)
    youngest, oldest = now - timedelta(seconds=START_SECONDS), now - CRASH_MEMORY
    found = []
    for kind in (StateType.PENDING, StateType.CRASHED):
        wanted = FlowRunFilterState(type=FlowRunFilterStateType(any_=[kind]))
        for run in client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=[FLOW])),
            flow_run_filter=FlowRunFilter(state=wanted),
            sort=FlowRunSort.START_TIME_DESC,
            limit=MOST_READ,
        ):
            if run.state is None:
                continue
            since = run.state.timestamp
            if since < youngest if kind is StateType.PENDING else since > oldest:
                found.append(str(run.id))
    return found


def _state(client: "SyncPrefectClient", flow_run: str) -> "State | None":
    from prefect.exceptions import ObjectNotFound

    try:
        return client.read_flow_run(UUID(flow_run)).state
    except (ObjectNotFound, ValueError):
        return None


def _recover(
    home: Path,
    client: "SyncPrefectClient",
    run: DeadRun,
    before: "State | None",
    report: RecoveryReport,
) -> None:
    from prefect.states import Failed, Scheduled

    state = _state(client, run.flow_run)
    if state is None or not _is_dead(run, before, state):
        # It ended, was cancelled, or somebody started it again; a living process notes itself.
        if state is None or (state.is_final() and not state.is_crashed()):
            forget(home, run.flow_run)
        return
    if run.recovered >= MOST_RECOVERIES:
        told = f"it died {run.recovered + 1} times without going forward and is given up"
        logger.error("run %s: %s", run.flow_run, told)
        forget(home, run.flow_run)
        # It must end for the server too, and not as crashed, which would be recovered.
        client.set_flow_run_state(
            UUID(run.flow_run), Failed(name="GivenUp", message=told), force=True
        )
        report.given_up.append(run.flow_run)
        return
    note_recovery(home, run)
    # By force: by its rules the server lets no run go from running to scheduled.
    client.set_flow_run_state(UUID(run.flow_run), Scheduled(name="Recovered"), force=True)
    report.recovered.append(run.flow_run)
    reason = "found the store away" if run.gave_up else "was killed"
    logger.warning("run %s %s; it is started again", run.flow_run, reason)


def _is_dead(run: DeadRun, before: "State | None", now: "State") -> bool:
    """Tell whether a run whose lock nobody here holds is dead by what the orchestrator knows."""
    if now.is_crashed():
        return True
    if before is None or before.id != now.id:
        # Another reaper was faster, or it is starting.
        return False
    if now.is_pending():
        age = datetime.now(UTC) - now.timestamp
        return age > timedelta(seconds=START_SECONDS)
    if now.is_running():
        # One that was handed back may run on another host, which has a note of its own.
        return not run.handed_back
    return run.gave_up and now.is_failed()
