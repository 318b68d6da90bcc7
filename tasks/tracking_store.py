"""The tracking store of an installation: opening it, starting runs in it, counting them.

MLflow is addressed through its client; the process keeps no active run.
"""

import importlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from feedback.errors import TrackingError
from tasks.settings import Settings
from tasks.tracking import Tracker

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


def import_tracking(settings: Settings) -> None:
    """Import what MLflow needs, which takes seconds, ahead of its first use.

    Args:
        settings: Say whether a server or a database is talked to.
    """
    importlib.import_module("mlflow.tracking")
    if not settings.mlflow_uri().startswith("http"):
        importlib.import_module("mlflow.store.tracking.sqlalchemy_store")


def start_tracking(
    settings: Settings, run_name: str, tags: dict[str, str], *, goes_on: bool = False
) -> Tracker:
    """Open the tracking store, create the experiment when it is new, and start the parent run.

    Args:
        settings: The installation's addresses.
        run_name: Shown in the list of runs.
        tags: Tags of the parent run.
        goes_on: Whether a parent run with the same ``parley.run`` is to be gone on with.

    Returns:
        The tracker of the run.

    Raises:
        TrackingError: If the tracking store cannot be opened.
    """
    _point_mlflow_to(settings.mlflow_uri())
    with _client(settings) as client:
        experiment_id = _experiment_id(client, settings) or client.create_experiment(
            settings.experiment, artifact_location=settings.artifact_root()
        )
        known = _known_run(client, experiment_id, tags["parley.run"]) if goes_on else None
        if known is not None:
            client.update_run(known, status="RUNNING")
            return Tracker(client, experiment_id, known)
        run = client.create_run(experiment_id, run_name=run_name, tags=tags)
    return Tracker(client, experiment_id, run.info.run_id)


def open_registry(settings: Settings) -> Tracker:
    """Open the tracking store for its registered versions alone, without starting a run.

    Args:
        settings: The installation's addresses.

    Returns:
        A tracker that belongs to no run.
    """
    _point_mlflow_to(settings.mlflow_uri())
    with _client(settings) as client:
        return Tracker(client, "", "")


def count_runs(settings: Settings) -> int:
    """Return how many runs the experiment holds, creating the tracking store when it is new.

    Args:
        settings: The installation's addresses.

    Raises:
        TrackingError: If the tracking store cannot be opened.
    """
    with _client(settings) as client:
        experiment_id = _experiment_id(client, settings)
        if experiment_id is None:
            return 0
        return len(client.search_runs([experiment_id], max_results=1000))


def without_password(uri: str) -> str:
    """Return an address as it may be shown or stored: user and password are left out."""
    return re.sub(r"//[^@/]+@", "//***@", uri)


@contextmanager
def _client(settings: Settings) -> Iterator["MlflowClient"]:
    """Give MLflow's client, and say in our own words when the store does not answer."""
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient
    from sqlalchemy.exc import SQLAlchemyError

    uri = settings.mlflow_uri()
    try:
        yield MlflowClient(tracking_uri=uri, registry_uri=uri)
    except (MlflowException, SQLAlchemyError) as error:
        # MLflow lets through what a database that is away makes SQLAlchemy say.
        told = str(error).partition("\n")[0]
        raise TrackingError(
            f"expected a tracking store at {without_password(uri)} (got: {told}); "
            "check MLFLOW_TRACKING_URI with `parley doctor`"
        ) from error


def _experiment_id(client: "MlflowClient", settings: Settings) -> str | None:
    experiment = client.get_experiment_by_name(settings.experiment)
    return None if experiment is None else str(experiment.experiment_id)


def _known_run(client: "MlflowClient", experiment_id: str, run_id: str) -> str | None:
    found = client.search_runs([experiment_id], f"tags.`parley.run` = '{run_id}'", max_results=1)
    return str(found[0].info.run_id) if found else None


def _point_mlflow_to(uri: str) -> None:
    """Set MLflow's address for this process, and leave the environment as the user gave it.

    MLflow also exports the address, from where the next ``Settings`` would read it as the user's.
    """
    import mlflow

    given = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    if given is None:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    else:
        os.environ["MLFLOW_TRACKING_URI"] = given
