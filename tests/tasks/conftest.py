"""A tracking database without runs, at the cost of copying a file."""

import shutil

import pytest

from tasks.tracking_store import open_registry


@pytest.fixture
def registry(settings, workplace, empty_tracking):
    shutil.copy(empty_tracking, settings.home / "mlflow.db")
    return open_registry(settings)
