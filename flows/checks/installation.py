"""Checks of this machine: interpreter, packages, data, channels, device."""

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from feedback.errors import ParleyError

PACKAGES = ("torch", "torch-geometric", "prefect", "mlflow", "dvc", "boto3", "scikit-image")


def python() -> str:
    """Return the version of the interpreter."""
    return sys.version.split()[0]


def packages() -> str:
    """Check that what a run needs is installed.

    Raises:
        ParleyError: If a package is missing.
    """
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError as error:
            raise ParleyError(
                f"expected the package {package} (got none); run `make run`"
            ) from error
    return ", ".join(found)


def data() -> str:
    """Check that the working data are the version that ``data.dvc`` names.

    Raises:
        ParleyError: If they differ.
    """
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


def channels() -> str:
    """Check that every channel has all its parts.

    Raises:
        ParleyError: If one lacks a part.
    """
    from flows.channel import available_channels, missing_parts

    for name in available_channels():
        lacking = missing_parts(name)
        if lacking:
            raise ParleyError(
                f"expected a complete channel {name} (got none of: {', '.join(lacking)})"
            )
    return ", ".join(available_channels())


def compute() -> str:
    """Return the device that runs compute on."""
    from tasks.device import describe_device

    return describe_device()
