"""The reaper: starts runs of this host again whose process was killed."""

from prefect import flow

from tasks.recovery import recover_runs
from tasks.settings import Settings


@flow(name="recover")
def recover() -> int:
    """Recover the runs of the worker's host.

    Returns:
        Runs that were started again.
    """
    return len(recover_runs(Settings().home).recovered)
