"""A deployed run lets go of its process while people are asked, and goes on when they answered."""

import json
import os
import signal
import subprocess

import pytest

from feedback.exchange import ReviewState, list_requests
from feedback.layout import WAITING
from feedback.publishing import load_bundle
from feedback.recording import load_decisions
from tasks.exchange import load_report, submit_feedback
from tests.e2e.office import office, post
from tests.e2e.servers import PARLEY, children_of, wait_for
from tests.flows.test_preview import ask, edit_of, found
from tests.review_request import make_answer

__all__ = ["office"]

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1500)]
EXPLAINING = {"train_classifier", "choose_concepts", "imitate_classifier", "explain_classes"}


def test_a_suspended_run_holds_no_process_and_goes_on_after_the_decision(office):
    objects = office.workplace.objects
    with office.serving() as server:
        wait_for(office.deployment, 200, f"the deployment; {office.told()}")
        run = office.start()
        office.wait_for_state(run, "PAUSED")
        wait_for(lambda: not children_of(server.pid), 60, "the flow's process to end")
        assert office.state(run)["name"] == "Suspended"
        (request,) = list_requests(objects, ReviewState.OPEN)
        assert [info.key for info in objects.list(WAITING)] == [
            f"waiting/{request.request_id}/{run}.json"
        ]

        # Whoever presses Resume proves nothing: without a decision the run lets go again.
        before = office.state(run)["id"]
        resume = f"/flow_runs/{run}/resume"
        post(office.api, resume, {})
        wait_for(lambda: office.state(run)["id"] != before, 60, "the resume")
        office.wait_for_state(run, "PAUSED")
        wait_for(lambda: not children_of(server.pid), 60, "the flow's process to end again")
        assert len(list_requests(objects)) == 1
        # The next scheduled run finds that people are being asked, and ends at once.
        skipped(office, f"run {run} waits for an answer to {request.request_id} already")

    # Days pass, the worker is restarted; people answer meanwhile, and somebody looks.
    bundle = load_bundle(objects, request.request_id)
    asked = ask(office.workplace, bundle, edit_of(bundle))
    assert "1 answered" in office.run("preview", "--once")
    effect = found(office.workplace, bundle, asked)
    assert (effect.failed, len(effect.concepts)) == ("", 1)
    submit_feedback.fn(office.workplace, bundle.request_id, make_answer(bundle))
    assert "is APPROVED" in office.run("watch", "--once")
    with office.serving():
        office.wait_for_state(run, "COMPLETED")
        # And the one after it finds that nothing changed.
        skipped(office, f"nothing changed since run {run}")

    states = [decision.state.value for decision in load_decisions(objects, bundle.request_id)]
    assert states[0] == "APPROVED"
    assert list(objects.list(WAITING)) == []
    report = json.loads(load_report(office.workplace, run))
    assert report["request"] == bundle.request_id
    assert report["model"] is not None
    again = {stage["name"] for stage in report["stages"] if not stage["reused"]}
    assert not again & EXPLAINING
    assert {stage["name"] for stage in report["stages"]} >= EXPLAINING
    # One run in MLflow, in which every stage was computed once.
    from mlflow.tracking import MlflowClient

    client = MlflowClient(report["tracking"]["uri"], report["tracking"]["uri"])
    experiment = [report["tracking"]["experiment"]]
    assert client.get_run(report["tracking"]["run"]).info.status == "FINISHED"
    assert len(client.search_runs(experiment, f"tags.`parley.run` = '{run}'")) == 1
    children = client.search_runs(
        experiment, f"tags.`mlflow.parentRunId` = '{report['tracking']['run']}'"
    )
    stages = [child.data.tags for child in children if "cache.key" in child.data.tags]
    computed = [tags["cache.key"] for tags in stages if tags["parley.reused"] == "false"]
    assert len(computed) == len(set(computed)) > len(EXPLAINING)
    shown = [tags["parley.stage"] for tags in stages]
    assert {name: shown.count(name) for name in EXPLAINING} == dict.fromkeys(EXPLAINING, 1)


def skipped(office, reason):
    """Start a run and see it end at once, without a trace in MLflow."""
    run = office.start()
    office.wait_for_state(run, "COMPLETED")
    state = office.state(run)
    assert (state["name"], reason in state["message"]) == ("Skipped", True), state
    assert not office.workplace.objects.exists(f"runs/{run}/started.json")


def test_a_run_whose_flow_and_worker_were_killed_is_recovered(office):
    with office.serving() as server:
        wait_for(office.deployment, 200, f"the deployment; {office.told()}")
        run = office.start()
        note = office.home / "running" / f"{run}.json"
        wait_for(note.exists, 200, f"the run to start; {office.told()}")
        children = children_of(server.pid)
        assert children
        server.kill()
        for child in children:
            os.kill(child, signal.SIGKILL)
    # Nobody is left who could say that it died.
    assert office.state(run)["type"] == "RUNNING"
    recovered = subprocess.run(
        (*PARLEY, "recover"), env=office.env, capture_output=True, text=True, timeout=200,
        check=False,
    )  # fmt: skip
    assert recovered.returncode == 0, recovered.stderr
    assert recovered.stdout == f"started again: {run}\n1 runs started again\n"
    with office.serving():
        office.wait_for_state(run, "PAUSED")
    assert not note.exists()
