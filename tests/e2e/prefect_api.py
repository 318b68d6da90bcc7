"""What tests ask of a Prefect server: its deployments, and what became of their runs."""

from collections.abc import Callable
from typing import NamedTuple

import httpx

from tests.e2e.servers import wait_for

_ENDS = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


class RunState(NamedTuple):
    """What a run is in: ``type`` is one of Prefect's, ``name`` may be Parley's."""

    type: str
    name: str


class PrefectApi:
    """A client of a server; every call raises ``httpx.HTTPError`` while the server is down.

    Args:
        url: Address of the server.
        password: Of its user ``parley``.
        told: Returns what a failure is shown with, such as the end of a worker's log.
    """

    def __init__(self, url: str, password: str, told: Callable[[], str]) -> None:
        self._told = told
        auth = ("parley", password)
        self._client = httpx.Client(base_url=f"{url}/api", timeout=60, auth=auth)

    def close(self) -> None:
        self._client.close()

    def add_pool(self, name: str) -> None:
        """Make a work pool of processes."""
        given = {"name": name, "type": "process"}
        self._client.post("/work_pools/", json=given).raise_for_status()

    def deployments(self) -> dict[str, str]:
        """Return the ids of the deployments by name."""
        found = self._client.post("/deployments/filter", json={}).raise_for_status().json()
        return {deployment["name"]: deployment["id"] for deployment in found}

    def planned(self) -> set[str]:
        """Return the names of the deployments that have scheduled runs."""
        asked = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
        runs = self._client.post("/flow_runs/filter", json=asked).raise_for_status().json()
        ids = {run["deployment_id"] for run in runs if run["auto_scheduled"]}
        return {name for name, found in self.deployments().items() if found in ids}

    def change(self, deployment: str, **changes: object) -> None:
        """Change a deployment by name: ``paused=True`` lets its schedule start nothing."""
        place = f"/deployments/{self.deployments()[deployment]}"
        self._client.patch(place, json=changes).raise_for_status()

    def start(self, deployment: str, **parameters: object) -> str:
        """Start a deployment beside what its schedule starts, and return the run's id."""
        place = f"/deployments/{self.deployments()[deployment]}/create_flow_run"
        given = {"parameters": parameters} if parameters else {}
        return str(self._client.post(place, json=given).raise_for_status().json()["id"])

    def states(self, deployment: str) -> dict[str, RunState]:
        """Return the state of every run that was started beside a schedule, by its id."""
        wanted = {"id": {"any_": [self.deployments()[deployment]]}}
        asked = {"deployments": wanted, "limit": 200}
        found = self._client.post("/flow_runs/filter", json=asked).raise_for_status().json()
        return {
            run["id"]: RunState(run["state_type"], run["state_name"])
            for run in found
            if not run["auto_scheduled"]
        }

    def state(self, run: str) -> str:
        return str(self._client.get(f"/flow_runs/{run}").raise_for_status().json()["state"]["type"])

    def wait_for_state(self, run: str, wanted: str, seconds: float = 600) -> None:
        """Wait until a run is in a state; another end fails at once."""

        def reached() -> bool:
            found = self.state(run)
            assert found == wanted or found not in _ENDS, (found, self._told())
            return found == wanted

        wait_for(reached, seconds, f"{wanted}; {self._told()}")
