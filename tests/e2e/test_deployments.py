"""The deployments of infra/prefect.yaml, put on a real server and run by a real worker."""

import subprocess
import sys

import httpx
import pytest
import yaml

from feedback.exchange import publish
from feedback.recording import load_decision
from tasks.settings import Settings
from tasks.workplace import open_workplace
from tests.e2e.office import post
from tests.e2e.servers import PARLEY, ROOT, environment, prefect_server, process, wait_for
from tests.review_request import FILES, make_bundle

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]
PREFECT = (sys.executable, "-m", "prefect", "--no-prompt")


def test_every_deployment_is_taken_and_a_worker_runs_the_watcher(tmp_path):
    home = tmp_path / "home"
    objects = open_workplace(Settings(home=home)).objects
    with prefect_server(tmp_path / "server") as address:
        env = environment(home, PREFECT_API_URL=address, PREFECT_WORKER_QUERY_SECONDS="2")

        def call(*arguments):
            return subprocess.run(
                arguments, env=env, capture_output=True, text=True, timeout=300, check=False
            )

        deploy = (*PARLEY, "deploy", str(ROOT / "infra" / "prefect.yaml"))
        early = call(*deploy)
        assert early.returncode == 1
        assert "create the work pool gpu first" in early.stderr
        for pool in ("cpu", "gpu"):
            assert call(*PREFECT, "work-pool", "create", pool, "--type", "process").returncode == 0
        done = call(*deploy)
        names = ("retrain", "watch", "preview", "recover")
        assert done.stdout.split("\n") == [f"deployed {name}" for name in names] + [""], done.stderr
        assert call(*deploy).returncode == 0
        with httpx.Client(base_url=address, timeout=60) as api:
            found = {d["name"]: d for d in api.post("/deployments/filter", json={}).json()}
            written = yaml.safe_load((ROOT / "infra" / "prefect.yaml").read_text())
            assert set(found) == {d["name"] for d in written["deployments"]}
            assert all(d["schedules"][0]["active"] for d in found.values())
            assert found["retrain"]["work_pool_name"] == "gpu"
            assert found["retrain"]["global_concurrency_limit"]["limit"] == 1
            # Two runs may look at the same time, the last and the next; a third is dropped.
            for name in ("watch", "preview"):
                path = f"/deployments/{found[name]['id']}/create_flow_run"
                ids = [post(api, path, {"state": {"type": "SCHEDULED"}})["id"] for _ in range(3)]
                taken = [
                    post(api, f"/flow_runs/{run}/set_state", {"state": {"type": "PENDING"}})
                    for run in ids
                ]
                states = [answer["state"]["type"] for answer in taken]
                assert states == ["PENDING", "PENDING", "CANCELLED"]
                for run in ids[:2]:
                    ended = {"state": {"type": "CANCELLED"}, "force": True}
                    post(api, f"/flow_runs/{run}/set_state", ended)
            # One look of the watcher, by a worker: a request whose time is over expires.
            bundle = make_bundle(deadline="2026-01-02T00:00:00Z", created_at="2026-01-01T00:00:00Z")
            publish(objects, bundle, FILES)
            path = f"/deployments/{found['watch']['id']}/create_flow_run"
            run = post(api, path, {"parameters": {"rounds": 1}})["id"]
            command = (*PREFECT, "worker", "start", "--pool", "cpu", "--limit", "1")
            with process(command, env, home / "worker.log"):
                wait_for(
                    lambda: (
                        api.get(f"/flow_runs/{run}").json()["state"]["type"] == "COMPLETED"
                        or (objects.list("decisions/") and True)
                    ),
                    300,
                    "the watcher's run",
                )
        decision = load_decision(objects, bundle.request_id)
        assert decision.state.value == "EXPIRED"
