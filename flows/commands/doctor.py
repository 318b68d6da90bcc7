"""``parley doctor``: what is wrong with this installation, and what to do about it."""

import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from feedback.errors import ParleyError

PACKAGES = ("torch", "torch-geometric", "prefect", "mlflow", "dvc", "boto3", "scikit-image")


def diagnose() -> bool:
    """Run every check and print one line per check.

    Returns:
        Whether all of them passed.
    """
    console = Console()
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("python", _python),
        ("packages", _packages),
        ("object storage", _store),
        ("tracking", _tracking),
        ("data", _data),
        ("channels", _channels),
        ("compute", _compute),
    )
    fine = True
    for name, check in checks:
        try:
            console.print(f"[green]✓[/] {name:<15} {escape(check())}", highlight=False)
        except ParleyError as error:
            fine = False
            console.print(f"[red]✗[/] {name:<15} {escape(str(error))}", highlight=False)
    return fine


def _python() -> str:
    return sys.version.split()[0]


def _packages() -> str:
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError as error:
            raise ParleyError(
                f"expected the package {package} (got none); run `make run`"
            ) from error
    return ", ".join(found)


def _store() -> str:
    from tasks.settings import Settings
    from tasks.workplace import open_workplace

    objects = open_workplace(Settings(), brief=True).objects
    key = "doctor/probe.json"
    objects.delete(key)
    if not objects.put_if_absent(key, b"1") or objects.put_if_absent(key, b"2"):
        raise ParleyError(
            "expected a store in which one of two writers wins (got one that lets both); "
            "use another store"
        )
    objects.delete(key)
    return f"{objects.url} takes writes, one writer winning"


def _tracking() -> str:
    from tasks.settings import Settings
    from tasks.tracking_store import count_runs

    return f"{count_runs(Settings())} runs in the experiment {Settings().experiment!r}"


def _data() -> str:
    from tasks.dataset.version import read_status

    status = read_status(Path("data"), Path("data.dvc"))
    if status.actual is None:
        return "no working data; `parley data demo` renders the demo set"
    if not status.is_clean:
        raise ParleyError(
            f"expected the data of data.dvc, {status.expected} (got {status.actual}); "
            "run `parley data status`"
        )
    return f"working data are {status.actual}"


def _channels() -> str:
    from flows.channel import available_channels, missing_parts

    for name in available_channels():
        lacking = missing_parts(name)
        if lacking:
            raise ParleyError(
                f"expected a complete channel {name} (got none of: {', '.join(lacking)})"
            )
    return ", ".join(available_channels())


def _compute() -> str:
    from tasks.device import describe_device

    return describe_device()
