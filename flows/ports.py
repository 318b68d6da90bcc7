"""Where the servers of one machine listen, on loopback."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ports:
    """Ports on loopback.

    Attributes:
        prefect: Prefect server.
        mlflow: MLflow server.
        page: Review page.
    """

    prefect: int = 4200
    mlflow: int = 5000
    page: int = 8050
