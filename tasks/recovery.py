"""Starting runs again whose process was killed, or whose store was away for too long.

The orchestrator has the former as running, as crashed or as about to start, according to what else
was killed, and the latter as failed. Which host a running one was on it says itself.
"""

import logging
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from feedback.errors import OrchestrationError
from tasks.attempts import host_of
from tasks.liveness import DeadRun, find_dead, forget, is_alive, note_recovery, reaping
from tasks.waking import orchestrator

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, State

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
"""Longest time that a run may be about to start, or run without naming its host; a process that
starts in a busy minute needs twenty seconds."""
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
            seen = {run.flow_run: state.id for run, state in _dead(home, client)}
        if not seen:
            return report
        check()
        sleep(settle_seconds)
        with reaping(home), orchestrator() as client:
            for run, state in _dead(home, client):
                # In another state it is starting, or another reaper was faster.
                if run.flow_run in seen and (state.is_crashed() or state.id == seen[run.flow_run]):
                    _recover(home, client, run, report)
    except httpx.HTTPError as error:
        raise OrchestrationError(
            f"expected the Prefect server to answer (got {type(error).__name__}); start it, then "
            "recover again"
        ) from error
    return report


def _dead(home: Path, client: "SyncPrefectClient") -> "list[tuple[DeadRun, State]]":
    """Return the runs that look dead, with their states, and drop the notes of those that ended."""
    notes = {run.flow_run: run for run in find_dead(home)}
    runs = _unfinished(client)
    runs |= {name: _read(client, name) for name in notes.keys() - runs.keys()}
    found = []
    for name, run in runs.items():
        note, state = notes.get(name), run.state if run else None
        if run is not None and state is not None and _is_dead(run, state, note):
            # Only now, for it may have started since the notes were read.
            if not is_alive(home, name):
                found.append((note or DeadRun(name, 0), state))
        elif note is not None and (state is None or state.is_final()):
            forget(home, name)
    return found


def _unfinished(client: "SyncPrefectClient") -> "dict[str, FlowRun | None]":
    """Return the runs that run, are about to start or crashed, by their ids."""
    from prefect.client.schemas.filters import (
        FlowFilter,
        FlowFilterName,
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import FlowRunSort

    found: dict[str, FlowRun | None] = {}
    for kind in (StateType.RUNNING, StateType.PENDING, StateType.CRASHED):
        wanted = FlowRunFilterState(type=FlowRunFilterStateType(any_=[kind]))
        runs = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=[FLOW])),
            flow_run_filter=FlowRunFilter(state=wanted),
            sort=FlowRunSort.START_TIME_DESC,
            limit=MOST_READ,
        )
        found |= {str(run.id): run for run in runs}
    return found


def _read(client: "SyncPrefectClient", flow_run: str) -> "FlowRun | None":
    from prefect.exceptions import ObjectNotFound

    try:
        return client.read_flow_run(UUID(flow_run))
    except (ObjectNotFound, ValueError):
        return None


def _is_dead(run: "FlowRun", state: "State", note: DeadRun | None) -> bool:
    """Tell whether a run whose lock nobody here holds is dead by what the orchestrator knows."""
    age = datetime.now(UTC) - state.timestamp
    is_late = age > timedelta(seconds=START_SECONDS)
    if state.is_crashed():
        return note is not None or age < CRASH_MEMORY
    if state.is_pending():
        return is_late
    if state.is_running():
        host = host_of(run)
        # Nobody else starts it again when its process died before it could say where it is.
        return host == socket.gethostname() or (host is None and is_late)
    return note is not None and note.gave_up and state.is_failed()


def _recover(home: Path, client: "SyncPrefectClient", run: DeadRun, report: RecoveryReport) -> None:
    from prefect.states import Failed, Scheduled

    if run.recovered >= MOST_RECOVERIES:
        told = f"it died {run.recovered + 1} times without going forward and is given up"
        logger.error("run %s: %s", run.flow_run, told)
        # It must end for the server too, and not as crashed, which would be recovered.
        client.set_flow_run_state(
            UUID(run.flow_run), Failed(name="GivenUp", message=told), force=True
        )
        forget(home, run.flow_run)
        report.given_up.append(run.flow_run)
        return
    note_recovery(home, run)
    # By force: by its rules the server lets no run go from running to scheduled.
    client.set_flow_run_state(UUID(run.flow_run), Scheduled(name="Recovered"), force=True)
    report.recovered.append(run.flow_run)
    reason = "found the store away" if run.gave_up else "was killed"
    logger.warning("run %s %s; it is started again", run.flow_run, reason)
