"""Where Parley keeps things and whom it talks to, read from the environment when asked.

Secrets (S3 keys, tracking passwords, addresses of notices) are never fields here: boto3, MLflow and
``tasks/notifying.py`` read them from the environment themselves.
"""

import getpass
import os
import re
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from feedback.patient import PATIENCE

QUIET = {
    # Nothing phones home. MLflow counts only "true"; Prefect takes any of these.
    "DO_NOT_TRACK": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DVC_NO_ANALYTICS": "1",
    # Models are read back without pickle, or not at all.
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "GIT_PYTHON_REFRESH": "quiet",
    # Waiting OpenMP threads spin for microseconds, then sleep. Spinning on, the default, takes the
    # cores from others who compute; sleeping at once costs more than a small operation takes.
    "GOMP_SPINCOUNT": "1000",
    # A single-process run keeps its state beside the project, and the terminal for its own lines.
    "PREFECT_LOGGING_EXTRA_LOGGERS": "models,tasks,feedback",
    # The same loggers speak in commands outside a flow, where Prefect would warn of each line.
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    # An error leaves the flow as an exception and is told there, once: no traceback beside it.
    "PREFECT_LOGGING_LOGGERS_PREFECT_FLOW_RUNS_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "CRITICAL",
    # So does an error of MLflow, which logs it with its traceback first.
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
}


class Settings(BaseSettings):
    """Addresses of this installation, each overridable by a variable ``PARLEY_<FIELD>``."""

    model_config = SettingsConfigDict(
        env_prefix="PARLEY_", frozen=True, use_attribute_docstrings=True, extra="ignore"
    )

    home: Path = Path(".parley")
    """Folder of everything that a run leaves behind: artifacts, checkpoints, tracking and
    orchestration databases."""
    store: str = ""
    """Object storage of reviews and artifacts: a folder or ``s3://bucket/prefix``; empty means
    ``<home>/store``."""
    store_patience: float = Field(default=PATIENCE, ge=0, le=86_400)
    """Longest outage of an S3 service that work sits out, seconds; commands that people wait for
    and the review page sit out at most 5."""
    dvc_remote: str = ""
    """Remote that ``parley data import`` sets: a folder, relative to the project, or
    ``s3://bucket/prefix``; empty keeps the one in ``.dvc/config``."""
    tracking_uri: str = Field(default="", validation_alias="MLFLOW_TRACKING_URI")
    """MLflow tracking server; empty means a SQLite file in ``home``."""
    experiment: str = "parley"
    """MLflow experiment of the runs."""
    author: str = ""
    """Who starts the runs, by the name they are enrolled under as a reviewer; empty means the user
    of the operating system. A policy may forbid that they approve."""

    policy: str = "single"
    """Rule by which the watcher decides and requests close: ``single``, ``signed``, or a policy
    file."""
    page_url: str = ""
    """Address of the review page, for links in notices; empty leaves the link out."""
    page_identity_header: str = ""
    """Header in which the proxy before the review page names the reviewer, such as
    ``X-Forwarded-User``; empty means no proxy."""
    page_proxies: str = "127.0.0.1,::1"
    """Addresses that may send that header, separated by commas."""
    page_hosts: str = ""
    """Names that the review page is reached by behind its proxy, separated by commas."""
    page_name: str = "page"
    """Name that the review page is enrolled by (``parley reviewers add NAME --page``)."""
    page_key: Path | None = None
    """File of the key that the review page signs with; None leaves answers unsigned."""

    def author_name(self) -> str:
        """Return who starts the runs, in the characters that a reviewer's name may have."""
        name = self.author or _system_user()
        return re.sub(r"[^A-Za-z0-9_.@-]+", "-", name).lstrip("_.@-")[:80] or "unknown"

    def store_url(self) -> str:
        """Return the address of the object storage."""
        return self.store or str(self.home.absolute() / "store")

    def mlflow_uri(self) -> str:
        """Return the address of the tracking store."""
        return self.tracking_uri or f"sqlite:///{self.home.absolute() / 'mlflow.db'}"

    def artifact_root(self) -> str | None:
        """Return where MLflow keeps artifacts when it runs without a server."""
        return None if self.tracking_uri else (self.home.absolute() / "mlflow-artifacts").as_uri()


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that no name belongs to.
        return f"uid-{os.getuid()}"


def prepare_environment(settings: Settings) -> None:
    """Silence telemetry and keep the orchestrator's state in ``home``, unless told otherwise.

    Must run before Prefect, MLflow or DVC is imported, so the command line calls it first.

    Args:
        settings: The installation's addresses.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("PREFECT_HOME", str(settings.home.absolute() / "prefect"))
