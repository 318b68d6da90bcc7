"""What people see of registered versions in MLflow: names of runs, addresses, descriptions."""

import json
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from tasks.tracking import Tracker


class VersionRef(BaseModel):
    """A registered version of a model.

    Attributes:
        name: Registered name.
        version: Number under that name.
        digest: sha256 of the weights' artifact.
        run_id: Run that holds the network, its metrics and its figures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    digest: str
    run_id: str = ""


def run_title(tracker: Tracker, role: str, subject: str) -> str:
    """Return the name of a network's run, e.g. ``candidate v3: edited graphs, pets37``.

    Args:
        tracker: Knows the dataset.
        role: What the network is, with its version's number once there is one.
        subject: What sets it apart; may be empty.
    """
    about = ", ".join(word for word in (subject, tracker.dataset) if word)
    return f"{role}: {about}" if about else role


def describe_version(tracker: Tracker, version: VersionRef, text: str) -> None:
    """Write what a version's page says about it, as markdown."""
    tracker.client.update_model_version(version.name, version.version, description=text)


def compare_page(left: VersionRef, right: VersionRef) -> str:
    """Return where MLflow shows two versions of one model side by side.

    Args:
        left: A version.
        right: Another version of the same model.

    Returns:
        The part of the address after the server's; plain enough for any shell or terminal.
    """
    # As MLflow 3.17's own pages write it: JSON in both fields, the name quoted once more.
    fields = {
        "name": quote(left.name, safe=""),
        "runs": {version.version: version.run_id for version in (left, right)},
    }
    query = "&".join(
        f"{key}={quote(json.dumps(value, separators=(',', ':')), safe='')}"
        for key, value in fields.items()
    )
    return f"#/compare-model-versions?{query}"


def figures_page(tracker: Tracker, left: VersionRef, right: VersionRef) -> str:
    """Return where MLflow shows the figures of two versions' runs side by side.

    Args:
        tracker: Knows the experiment of both runs.
        left: A version.
        right: Another version.

    Returns:
        The part of the address after the server's.
    """
    runs = quote(json.dumps([left.run_id, right.run_id], separators=(",", ":")), safe="")
    experiments = quote(json.dumps([tracker.experiment_id]), safe="")
    return f"#/compare-runs?runs={runs}&experiments={experiments}"
