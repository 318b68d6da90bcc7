"""The reaper: starts runs of this host again whose process was killed or whose store was away."""

from prefect import flow

from tasks.recovery import recover_runs
from tasks.settings import Settings
from tasks.workplace import open_workplace


@flow(name="recover")
def recover() -> int:
    """Recover the runs of the worker's host.

    Returns:
        Runs that were started again.
    """
    settings = Settings()
    report = recover_runs(settings.home, check=lambda: open_workplace(settings, brief=True))
    return len(report.recovered)
