"""Which host computes a run's present attempt, told to the orchestrator, which all hosts ask.

A lock tells of a process of its own host alone. So a run that starts names its host and the state
that it started in; whoever finds the run in that very state later knows whose lock to look at.
"""

import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from feedback.errors import OrchestrationError
from tasks.waking import orchestrator

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

HOST, STATE = "parley.host", "parley.state"
"""Labels of a flow run."""
PATIENCE_SECONDS = 120.0
"""Longest time that a run that starts waits for an orchestrator that is away."""


def claim_attempt(flow_run: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Name this host as the one that computes a run from its present state on.

    A run of an orchestrator that nobody else can reach needs no name.

    Args:
        flow_run: Id of the run that this process computes.
        sleep: Waits some seconds.

    Raises:
        OrchestrationError: If the orchestrator stays away; unnamed, the run might be taken for dead
            and be started twice.
    """
    import httpx
    from prefect.settings import PREFECT_API_URL

    if not PREFECT_API_URL.value():
        return
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with orchestrator() as client:
                state = client.read_flow_run(UUID(flow_run)).state
                started = str(state.id if state else "")
                client.update_flow_run_labels(
                    UUID(flow_run), {HOST: socket.gethostname(), STATE: started}
                )
            return
        except httpx.HTTPError as error:
            if time.monotonic() > until:
                raise OrchestrationError(
                    f"expected the Prefect server to answer within {PATIENCE_SECONDS:.0f} s (got "
                    f"{type(error).__name__}); start it, then `parley recover`"
                ) from error
            sleep(1.0)


def host_of(run: "FlowRun") -> str | None:
    """Return the host that computes a run since it came into its present state.

    Args:
        run: As the orchestrator has it.

    Returns:
        The host's name; None when none has named itself since.
    """
    is_present = run.state is not None and run.labels.get(STATE) == str(run.state.id)
    return str(run.labels.get(HOST)) if is_present else None
