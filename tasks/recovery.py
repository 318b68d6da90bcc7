"""Starting runs again whose process was killed, or whose store was away for too long.

The orchestrator may think of the former that they still run, and has the latter as failed.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from feedback.errors import OrchestrationError
from tasks.liveness import DeadRun, find_dead, forget, note_recovery
from tasks.waking import orchestrator

logger = logging.getLogger(__name__)

MOST_RECOVERIES = 3
"""How often one run is started again; one that always dies would keep others waiting."""
SETTLE_SECONDS = 10.0
"""Time between seeing a dead run and acting: its runner marks it as crashed up to 5 s later, which
would hit the new attempt."""


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
    """Start every run of this host again whose process was killed or whose store was away.

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
    if not find_dead(home):
        return report
    check()
    sleep(settle_seconds)
    try:
        for run in find_dead(home):
            _recover(home, run, report)
    except httpx.HTTPError as error:
        raise OrchestrationError(
            f"expected the Prefect server to answer (got {type(error).__name__}); start it, then "
            "recover again"
        ) from error
    return report


def _recover(home: Path, run: DeadRun, report: RecoveryReport) -> None:
    from prefect.client.schemas.objects import StateType
    from prefect.exceptions import ObjectNotFound
    from prefect.states import Scheduled

    with orchestrator() as client:
        try:
            state = client.read_flow_run(UUID(run.flow_run)).state
        except (ObjectNotFound, ValueError):
            forget(home, run.flow_run)
            return
        dead = {StateType.RUNNING, StateType.CRASHED} | (
            {StateType.FAILED} if run.gave_up else set()
        )
        if state is None or state.type not in dead:
            # It ended, was cancelled, or somebody started it again; a living process notes itself.
            if state is None or state.is_final():
                forget(home, run.flow_run)
            return
        if run.recovered >= MOST_RECOVERIES:
            logger.error("run %s died %d times; it is given up", run.flow_run, run.recovered + 1)
            forget(home, run.flow_run)
            report.given_up.append(run.flow_run)
            return
        note_recovery(home, run)
        # By force: by its rules the server lets no run go from running to scheduled.
        client.set_flow_run_state(UUID(run.flow_run), Scheduled(name="Recovered"), force=True)
        report.recovered.append(run.flow_run)
        reason = "found the store away" if run.gave_up else "was killed"
        logger.warning("run %s %s; it is started again", run.flow_run, reason)
