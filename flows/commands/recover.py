"""``parley recover``: start runs of this host again that died through no fault of their own."""

import time

import typer


def recover_killed(every_seconds: float) -> None:
    """Recover once, or again and again.

    Args:
        every_seconds: Pause between two looks; 0 looks once.
    """
    from feedback.errors import OrchestrationError, StoreAwayError
    from tasks.settings import Settings
    from tasks.workplace import open_workplace

    settings = Settings()
    # The folder of the orchestrator's state must be there before Prefect is imported.
    open_workplace(settings)
    from tasks.recovery import recover_runs

    while True:
        try:
            report = recover_runs(settings.home, check=lambda: open_workplace(settings, brief=True))
        except (OrchestrationError, StoreAwayError) as error:
            if not every_seconds:
                raise
            typer.echo(f"nothing recovered: {error}", err=True)
        else:
            for run in report.recovered:
                typer.echo(f"started again: {run}")
            for run in report.given_up:
                typer.echo(f"given up: {run}", err=True)
            if not every_seconds:
                typer.echo(f"{len(report.recovered)} runs started again")
                return
        time.sleep(every_seconds)
