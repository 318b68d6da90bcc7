"""A tracking database without runs, and versions without networks, at the cost of a file."""

import shutil

import pytest

from tasks.tracking_store import open_registry
from tasks.version_pages import VersionRef


@pytest.fixture
def registry(settings, workplace, empty_tracking):
    shutil.copy(empty_tracking, settings.home / "mlflow.db")
    return open_registry(settings)


@pytest.fixture
def four(registry):
    """Four versions that cost nothing: entries without a model. The first is what is explained."""
    registry.client.create_registered_model("parley")
    made = []
    for number in range(4):
        digest = ("d" if number == 0 else str(number)) * 64
        version = registry.client.create_model_version(
            "parley", f"file:///none/{number}", tags={"parley.weights_sha256": digest}
        )
        made.append(VersionRef(name="parley", version=str(version.version), digest=digest))
    return made
