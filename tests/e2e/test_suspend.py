"""A deployed run lets go of its process while people are asked, and goes on when they answered."""

import json
import os
import signal
import subprocess

import httpx
import pytest
import yaml

from feedback.exchange import ReviewState, list_requests
from feedback.layout import WAITING
from feedback.publishing import load_bundle
from feedback.recording import load_decisions
from tasks.exchange import load_report, submit_feedback
from tasks.settings import Settings
from tasks.workplace import open_workplace
from tests.e2e.servers import (
    PARLEY,
    children_of,
    environment,
    prefect_server,
    process,
    wait_for,
)
from tests.flows.test_preview import ask, edit_of, found
from tests.review_request import make_answer
from tests.shapes import tiny_overrides

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1500)]
EXPLAINING = {"train_classifier", "choose_concepts", "imitate_classifier", "explain_classes"}


@pytest.fixture
def office(tmp_path, shapes_dir):
    """Home, parameters and a Prefect server."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "params.yaml").write_text(yaml.safe_dump({"data": str(shapes_dir)}))
    with prefect_server(tmp_path / "server") as api:
        made = Office(home, api)
        yield made
        made.api.close()


class Office:
    def __init__(self, home, api):
        self.home, self.env = home, environment(home, PREFECT_API_URL=api)
        self.api = httpx.Client(base_url=api, timeout=60)
        self.workplace = open_workplace(Settings(home=home))

    def serving(self):
        settings = [f"--set={pair}" for pair in tiny_overrides(review__reviewer="inbox")]
        command = (*PARLEY, "serve", "--params", str(self.home / "params.yaml"), *settings)
        return process(command, self.env, self.home / "serve.log")

    def deployment(self):
        found = self.api.post("/deployments/filter", json={}).json()
        return found[0]["id"] if found else None

    def start(self):
        made = []

        def taken():
            # 503: SQLite is busy, and Prefect's own client would ask again.
            made[:] = [self.api.post(f"/deployments/{self.deployment()}/create_flow_run", json={})]
            return made[0].status_code != 503

        wait_for(taken, 60, "the server to take a run")
        return made[0].raise_for_status().json()["id"]

    def state(self, run):
        return self.api.get(f"/flow_runs/{run}").json()["state"]

    def wait_for_state(self, run, wanted):
        def reached():
            state = self.state(run)["type"]
            assert state == wanted or state not in {"FAILED", "CRASHED", "COMPLETED"}, self.told()
            return state == wanted

        wait_for(reached, 400, f"{wanted}; {self.told()}")

    def told(self):
        return (self.home / "serve.log").read_text()[-4000:]

    def run(self, *words):
        done = subprocess.run(
            (*PARLEY, *words), env=self.env, capture_output=True, text=True, timeout=300,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr


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
        office.api.post(f"/flow_runs/{run}/resume", json={}).raise_for_status()
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
