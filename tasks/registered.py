"""Registered networks brought back from the registry, as whoever serves them does."""

import tempfile
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, JsonValue

from tasks.registry import DIGEST_TAG, quiet, refused, version_tags
from tasks.tracking import Tracker

if TYPE_CHECKING:
    from torch import nn


class RegisteredNetwork(BaseModel):
    """A registered version of a network.

    Attributes:
        name: Registered name.
        version: Version under that name.
        digest: sha256 of its weights; empty for one that Parley did not register.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    digest: str = ""

    @property
    def uri(self) -> str:
        """Address of the version in the registry."""
        return f"models:/{self.name}/{self.version}"


def registered_network(tracker: Tracker, name: str, version: str) -> RegisteredNetwork:
    """Look a version up in the registry.

    Raises:
        TrackingError: If there is no such version, or the server refuses.
    """
    digest = version_tags(tracker, name, version).get(DIGEST_TAG, "")
    return RegisteredNetwork(name=name, version=version, digest=digest)


def load_network(uri: str) -> "nn.Module":
    """Load a logged network, on the CPU and in evaluation mode; refuses a pickled one.

    Raises:
        TrackingError: If MLflow does not give it, or what it gives cannot be read.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    # Into a folder of our own: MLflow leaves what it downloads to whoever asked for it.
    with tempfile.TemporaryDirectory(prefix="parley-network-") as folder, quiet():
        try:
            network: nn.Module = mlflow.pytorch.load_model(uri, dst_path=folder)
        except (MlflowException, OSError, RuntimeError, ValueError) as error:
            raise refused(f"load {uri}", error) from error
    return network


def network_metadata(uri: str) -> dict[str, JsonValue]:
    """Return what was written beside a logged network; nothing when nothing was.

    Raises:
        TrackingError: If MLflow does not give it.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        return dict(mlflow.models.get_model_info(uri).metadata or {})
    except (MlflowException, OSError) as error:
        raise refused(f"read what {uri} is", error) from error
