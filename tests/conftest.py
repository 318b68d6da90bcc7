"""Fixtures of all tests: a quiet environment, a small dataset of shapes, a place to work."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import hypothesis
import pytest

# Prefect, MLflow and DVC read the environment when they are imported, so it is set before.
from tasks.settings import Settings, prepare_environment

# How long an example takes says something of the machine; nothing here fails by the clock.
hypothesis.settings.register_profile("parley", deadline=None)
hypothesis.settings.load_profile("parley")
os.environ.setdefault("OMP_NUM_THREADS", "1")
if "PREFECT_HOME" not in os.environ:  # workers find their leader's
    os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="parley-prefect-")
    atexit.register(shutil.rmtree, os.environ["PREFECT_HOME"], ignore_errors=True)
prepare_environment(Settings())

from tests.shapes import write_shapes  # noqa: E402


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is marked ``gpu`` where there is none."""
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device")


@pytest.fixture(scope="session")
def shapes_dir(tmp_path_factory) -> Path:
    """Three classes of coloured shapes with masks and a pool; read only."""
    return write_shapes(tmp_path_factory.mktemp("shapes") / "shapes")


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("PARLEY_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("PARLEY_STORE", raising=False)
    return Settings()


@pytest.fixture
def workplace(settings):
    from tasks.workplace import open_workplace

    return open_workplace(settings)


@pytest.fixture(scope="session")
def empty_tracking(tmp_path_factory) -> Path:
    """A tracking database without runs, made once: laying its tables takes seconds."""
    from tasks.tracking_store import open_registry

    home = tmp_path_factory.mktemp("tracking")
    open_registry(Settings(home=home)).client.search_registered_models()
    return home / "mlflow.db"


@pytest.fixture(scope="session")
def prefect_server():
    """One Prefect server with its own database for all flow runs of a session."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=300):
        yield
