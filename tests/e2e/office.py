"""An installation with a Prefect server, whose deployed runs suspend while people are asked."""

import subprocess

import httpx
import pytest
import yaml

from tasks.settings import Settings
from tasks.workplace import open_workplace
from tests.e2e.servers import PARLEY, environment, prefect_server, process, wait_for
from tests.shapes import tiny_overrides


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


def post(api, path, given):
    """Ask the server; while its database of one file is busy, again, as Prefect's client does."""
    answers = []

    def is_heard():
        answers.append(api.post(path, json=given))
        return answers[-1].status_code != 503

    wait_for(is_heard, 120, path)
    return answers[-1].raise_for_status().json()


class Office:
    def __init__(self, home, api):
        self.home, self.env = home, environment(home, PREFECT_API_URL=api)
        self.api = httpx.Client(base_url=api, timeout=60)
        self.workplace = open_workplace(Settings(home=home))

    def serving(self, **changes):
        tiny = tiny_overrides(**{"review__reviewer": "inbox", **changes})
        settings = [f"--set={pair}" for pair in tiny]
        command = (*PARLEY, "serve", "--params", str(self.home / "params.yaml"), *settings)
        return process(command, self.env, self.home / "serve.log")

    def deployment(self):
        found = self.api.post("/deployments/filter", json={}).json()
        return found[0]["id"] if found else None

    def start(self):
        return post(self.api, f"/deployments/{self.deployment()}/create_flow_run", {})["id"]

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
