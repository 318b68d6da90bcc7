"""Results of benchmarks as JSON: the numbers, and what they were measured on."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    "torch",
    "torch-geometric",
    "numpy",
    "scikit-image",
    "scikit-learn",
    "prefect",
    "mlflow",
)


def write_result(name: str, result: Mapping[str, Any], folder: Path = RESULTS) -> Path:
    """Write a benchmark's result beside a description of the machine.

    Args:
        name: File name without suffix.
        result: Numbers, strings, lists and mappings; settings such as seeds belong in here.
        folder: Where the file goes.

    Returns:
        The file that was written.
    """
    document = {"benchmark": name, "result": result, "machine": describe_machine()}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document, indent=2, sort_keys=True, allow_nan=False) + "\n")
    return path


def write_part(name: str, part: str, result: Mapping[str, Any], folder: Path = RESULTS) -> None:
    """Write one part of a benchmark's result anew, with its own machine, and leave the others.

    Args:
        name: File name without suffix; the file exists.
        part: Name of the part.
        result: Its numbers.
        folder: Where the file lies.
    """
    path = folder / f"{name}.json"
    document = json.loads(path.read_text())
    document["result"][part] = {**result, "machine": describe_machine()}
    path.write_text(json.dumps(document, indent=2, sort_keys=True, allow_nan=False) + "\n")


def describe_machine() -> dict[str, Any]:
    """Return processor, cores, load, accelerator and package versions."""
    import torch

    cuda = torch.cuda.is_available()
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load_average": round(os.getloadavg()[0], 2),
        "torch_threads": torch.get_num_threads(),
        "accelerator": torch.cuda.get_device_name() if cuda else None,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def spread(values: Sequence[float]) -> dict[str, float | list[float]]:
    """Summarise repeats as median, smallest and largest, with the values themselves."""
    return {
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "values": [round(value, 5) for value in values],
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
