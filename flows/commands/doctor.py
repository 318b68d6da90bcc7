"""``parley doctor``: what is wrong with this installation, and what to do about it."""

from collections.abc import Callable

from rich.console import Console
from rich.markup import escape

from feedback.errors import ParleyError
from flows.checks import exchange, installation, services

CHECKS: tuple[tuple[str, Callable[[], str | None]], ...] = (
    ("python", installation.python),
    ("packages", installation.packages),
    ("object storage", exchange.object_storage),
    ("tracking", services.tracking),
    ("data", installation.data),
    ("channels", installation.channels),
    ("compute", installation.compute),
    ("prefect server", services.prefect_server),
    ("ports", services.ports),
    ("dead runs", services.dead_runs),
    ("policy", exchange.policy),
    ("reviewers", exchange.reviewers),
    ("audit log", exchange.audit_log),
)


def diagnose() -> bool:
    """Run every check and print one line per check that has something to check.

    Returns:
        Whether all of them passed.
    """
    console = Console()
    fine = True
    for name, check in CHECKS:
        try:
            told = check()
        except ParleyError as error:
            fine = False
            console.print(f"[red]✗[/] {name:<15} {escape(str(error))}", highlight=False)
        else:
            if told is not None:
                console.print(f"[green]✓[/] {name:<15} {escape(told)}", highlight=False)
    return fine
