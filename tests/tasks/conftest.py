"""A tracking database without runs, at the cost of copying a file."""

import shutil

import pytest

from tasks.settings import Settings
from tasks.tracking_store import open_registry


@pytest.fixture(scope="session")
def empty_tracking(tmp_path_factory):
    """A tracking database, made once: laying its tables takes seconds."""
    home = tmp_path_factory.mktemp("tracking")
    open_registry(Settings(home=home)).client.search_registered_models()
    return home / "mlflow.db"


@pytest.fixture
def registry(settings, workplace, empty_tracking):
    shutil.copy(empty_tracking, settings.home / "mlflow.db")
    return open_registry(settings)
