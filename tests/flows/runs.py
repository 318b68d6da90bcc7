"""Whole runs on a dataset of shapes, and what is read from their reports."""

from typing import NamedTuple

from feedback.bundle import ReviewBundle
from flows.context import ReviewListener
from flows.params import load_params
from flows.retrain import retrain
from tasks.settings import Settings
from tasks.tracking import Tracker
from tasks.workplace import Workplace, open_workplace
from tests.shapes import tiny_overrides


class Finished(NamedTuple):
    """What a run left behind: its report, its workplace, and the request that it published."""

    report: dict
    workplace: Workplace
    request: ReviewBundle


def run(home, data, *, listener=None, run_id="run", **changes):
    """Run the flow on a folder under its own home and return its report and workplace."""
    params = load_params(None, (*tiny_overrides(**changes), f"data={data}"))
    workplace = open_workplace(Settings(home=home))
    return retrain(params, workplace, run_id, listener or ReviewListener()), workplace


def tracker_of(report, workplace):
    from mlflow.tracking import MlflowClient

    tracking = report["tracking"]
    return Tracker(
        MlflowClient(tracking["uri"], tracking["uri"]), tracking["experiment"], tracking["run"]
    )


def computed(report):
    return [stage["name"] for stage in report["stages"] if not stage["reused"]]
