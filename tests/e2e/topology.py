"""Everything that infra/ describes, as processes on loopback: servers, identities, worker, page."""

import base64
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import yaml

from tests.e2e.gateway import BUCKET, USERS, Gateway, OwnStore, furnish, gateway
from tests.e2e.postgres import Postgres, postgres
from tests.e2e.servers import (
    PARLEY,
    ROOT,
    all_below,
    answers,
    answers_at_all,
    environment,
    free_port,
    process,
    wait_for,
)
from tests.shapes import tiny_overrides

HEADER = "X-Forwarded-User"
POLICY = {"name": "town", "roles": {"reviewer": {"approvals": 1, "signatures": ["page"]}}}
# What makes a correction of this little data better beyond doubt, so that it is promoted.
PROMOTED = {
    "training__epochs": "1",
    "distillation__epochs": "30",
    "distillation__lr": "0.001",
    "promotion__min_images": "2",
    "promotion__confidence": "0.51",
    "promotion__guard_band": "0.5",
    "promotion__need_above_unmodified": "false",
    "review__reviewer": "inbox",
}


class Topology:
    """Servers that are up, and the processes of Parley between them.

    Attributes:
        folder: Holds a home for each kind of process, and every log.
        secrets: What nobody may read anywhere, by name.
        s3: The object storage.
        database: PostgreSQL.
        api: Client of the Prefect server.
        page_url: Address of the review page.
    """

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self.folder, self._stack = folder, stack
        self.secrets = {f"s3 key of {user}": _secret() for user in ("owner", *USERS)}
        for name in ("postgres", "prefect", "mlflow admin", "mlflow", "flask"):
            self.secrets[name] = _secret()
        self._running: dict[str, tuple[subprocess.Popen, contextlib.ExitStack]] = {}
        self._commands: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {}
        self._ports = {name: free_port() for name in ("prefect", "mlflow", "page")}
        self.page_url = f"http://127.0.0.1:{self._ports['page']}"
        self.logs = folder / "logs"
        for home in (self.logs, folder / "prefect" / "prefect"):
            home.mkdir(parents=True)
        keys = {user: self.secrets[f"s3 key of {user}"] for user in ("owner", *USERS)}
        self.database: Postgres = stack.enter_context(postgres(self.logs, self.secrets["postgres"]))
        self.s3: Gateway = stack.enter_context(gateway(folder / "s3", keys))
        self._start_servers()
        with ThreadPoolExecutor() as pool:
            waits = [
                pool.submit(furnish, self.s3, folder / "s3"),
                pool.submit(self.await_server, "prefect", "/api/health"),
                pool.submit(self.await_server, "mlflow", "/health"),
            ]
            for wait in waits:
                wait.result()
        self.api = httpx.Client(
            base_url=f"{self._url('prefect')}/api",
            timeout=60,
            auth=("parley", self.secrets["prefect"]),
        )
        stack.callback(self.api.close)

    def _url(self, server: str) -> str:
        return f"http://127.0.0.1:{self._ports[server]}"

    def _start_servers(self) -> None:
        server = environment(
            self.folder / "prefect",
            PREFECT_SERVER_DATABASE_CONNECTION_URL=self.database.url(
                "prefect", "postgresql+asyncpg"
            ),
            PREFECT_SERVER_API_AUTH_STRING=f"parley:{self.secrets['prefect']}",
            PREFECT_API_AUTH_STRING=f"parley:{self.secrets['prefect']}",
            PREFECT_SERVER_ANALYTICS_ENABLED="false",
            DO_NOT_TRACK="true",
        )
        command = (sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1")
        self.start("prefect", (*command, "--port", str(self._ports["prefect"])), server)
        settings = self.folder / "mlflow-auth.ini"
        address = self.database.url("mlflow_auth", "postgresql+psycopg2")
        settings.write_text(
            "[mlflow]\ndefault_permission = READ\nadmin_username = admin\n"
            f"database_uri = {address}\n"
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        )
        tracking = environment(
            self.folder / "mlflow",
            MLFLOW_BACKEND_STORE_URI=self.database.url("mlflow", "postgresql+psycopg2"),
            MLFLOW_AUTH_CONFIG_PATH=str(settings),
            MLFLOW_AUTH_ADMIN_PASSWORD=self.secrets["mlflow admin"],
            MLFLOW_FLASK_SERVER_SECRET_KEY=self.secrets["flask"],
            MLFLOW_S3_ENDPOINT_URL=self.s3.endpoint,
            MLFLOW_DISABLE_TELEMETRY="true",
            # Its queues for judging language models are eight more processes.
            MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false",
            **self.s3.environment("parley-mlflow"),
        )
        command = (sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers")
        place = ("--artifacts-destination", "s3://parley-mlflow", "--app-name", "basic-auth")
        listen = ("1", "--port", str(self._ports["mlflow"]))
        self.start("mlflow", (*command, *listen, *place), tracking)

    def furnish(self, shapes: Path, policy: Mapping[str, object] = POLICY) -> None:
        """Enrol people, make the tracking user, put the deployments on the server."""
        done = httpx.post(
            f"{self._url('mlflow')}/api/2.0/mlflow/users/create",
            json={"username": "parley", "password": self.secrets["mlflow"]},
            auth=("admin", self.secrets["mlflow admin"]),
            timeout=60,
        )
        assert done.status_code == 200, done.text
        for pool in ("cpu", "gpu"):
            self.api.post("/work_pools/", json={"name": pool, "type": "process"}).raise_for_status()
        (self.folder / "policy.yaml").write_text(yaml.safe_dump(dict(policy)))
        (self.folder / "params.yaml").write_text(yaml.safe_dump({"data": str(shapes)}))
        key = self.folder / "page.key"
        operator = self.environment("parley-operator", "operator")
        with ThreadPoolExecutor(2) as pool:
            calls = [
                pool.submit(self.call, line, operator)
                for line in (
                    ("reviewers", "add", "page", "--page", "--generate", str(key)),
                    ("deploy", str(ROOT / "infra" / "prefect.yaml")),
                )
            ]
            for call in calls:
                call.result()
        self.call(("reviewers", "add", "ada", "--role", "reviewer"), operator)
        self.secrets["page key"] = _pem_body(key)
        self._commands["worker"] = (
            (
                sys.executable,
                "-m",
                "prefect",
                "worker",
                "start",
                "--pool",
                "gpu",
                "--type",
                "process",
            ),
            self.environment("parley-runs", "worker", PREFECT_WORKER_QUERY_SECONDS="1"),
        )
        rule = ("--policy", str(self.folder / "policy.yaml"))
        self._commands["watcher"] = (
            (*PARLEY, "watch", "--every", "1", *rule),
            self.environment("parley-watcher", "watcher"),
        )
        self._commands["page"] = (
            (*PARLEY, "review", "serve", "--port", str(self._ports["page"]), *rule),
            self.environment(
                "parley-page", "page", PARLEY_PAGE_IDENTITY_HEADER=HEADER, PARLEY_PAGE_KEY=str(key)
            ),
        )

    def environment(self, user: str, home: str, **changes: str) -> dict[str, str]:
        """Return the variables of a process with an identity and a home of its own."""
        return environment(
            self.folder / home,
            PARLEY_STORE=f"s3://{BUCKET}",
            PARLEY_AUTHOR="grace",
            PREFECT_API_URL=f"{self._url('prefect')}/api",
            PREFECT_API_AUTH_STRING=f"parley:{self.secrets['prefect']}",
            MLFLOW_TRACKING_URI=self._url("mlflow"),
            MLFLOW_TRACKING_USERNAME="parley",
            MLFLOW_TRACKING_PASSWORD=self.secrets["mlflow"],
            OMP_NUM_THREADS="1",
            **self.s3.environment(user),
            **changes,
        )

    def call(self, arguments: tuple[str, ...], env: dict[str, str], code: int = 0) -> str:
        """Run a command of Parley to its end and return what it said."""
        done = subprocess.run(
            (*PARLEY, *arguments), env=env, cwd=self.folder, capture_output=True, text=True,
            timeout=200, check=False,
        )  # fmt: skip
        with (self.logs / "commands.log").open("a") as log:
            log.write(done.stdout + done.stderr)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def start(
        self, name: str, command: tuple[str, ...] = (), env: dict[str, str] | None = None
    ) -> None:
        """Start a process, the first time with its command, later as it was."""
        if command:
            self._commands[name] = (command, env or {})
        line, variables = self._commands[name]
        block = self._stack.enter_context(contextlib.ExitStack())
        running = block.enter_context(process(line, variables, self.logs / f"{name}.log"))
        self._running[name] = (running, block)

    def add(self, name: str, like: str) -> None:
        """Let there be another process of a kind."""
        self._commands[name] = self._commands[like]

    def pid(self, name: str) -> int | None:
        """Return the process's id; None when it does not live."""
        running = self._running.get(name)
        return None if running is None or running[0].poll() is not None else running[0].pid

    def kill(self, name: str) -> None:
        """Kill a process and all it started, as a machine that loses its power would."""
        running, block = self._running.pop(name)
        below = all_below(running.pid)
        block.close()
        for pid in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def await_server(self, name: str, path: str = "/") -> None:
        def is_up() -> bool:
            assert self._running[name][0].poll() is None, self.told(name)
            # Nobody is let in at the page without a proxy that names them.
            return (answers_at_all if name == "page" else answers)(self._url(name) + path)

        wait_for(is_up, 240, f"{name}; {self.told(name)}")

    def told(self, name: str) -> str:
        """Return the end of a process's log."""
        log = self.logs / f"{name}.log"
        return log.read_text()[-4000:] if log.exists() else ""

    def start_run(self) -> str:
        """Start the retraining deployment on tiny settings."""
        found = self.api.get("/deployments/name/retrain-deployed/retrain").raise_for_status().json()
        overrides = [
            *tiny_overrides(**PROMOTED), f"review.policy={self.folder / 'policy.yaml'}"
        ]  # fmt: skip
        given = {"params_file": str(self.folder / "params.yaml"), "overrides": overrides}
        run = self.api.post(
            f"/deployments/{found['id']}/create_flow_run", json={"parameters": given}
        )
        return str(run.raise_for_status().json()["id"])

    def planned(self) -> set[str]:
        """Return the names of the deployments that have scheduled runs."""
        asked = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
        runs = self.api.post("/flow_runs/filter", json=asked).raise_for_status().json()
        ids = {run["deployment_id"] for run in runs if run["auto_scheduled"]}
        return {name for name, found in self.deployments().items() if found in ids}

    def deployments(self) -> dict[str, str]:
        """Return the ids of the deployments by name."""
        found = self.api.post("/deployments/filter", json={}).raise_for_status().json()
        return {deployment["name"]: deployment["id"] for deployment in found}

    def pause(self, name: str, *, is_paused: bool = True) -> None:
        """Let a deployment's schedule start nothing, or go on."""
        found = self.deployments()[name]
        self.api.patch(f"/deployments/{found}", json={"paused": is_paused}).raise_for_status()

    def run_deployment(self, name: str) -> None:
        """Start a deployment with its own parameters, beside what its schedule starts."""
        found = self.deployments()[name]
        self.api.post(f"/deployments/{found}/create_flow_run", json={}).raise_for_status()

    def state(self, run: str) -> str:
        return str(self.api.get(f"/flow_runs/{run}").raise_for_status().json()["state"]["type"])

    def wait_for_state(self, run: str, wanted: str, seconds: float = 600) -> None:
        def reached() -> bool:
            found = self.state(run)
            assert found == wanted or found not in {"FAILED", "CRASHED", "COMPLETED"}, (
                found,
                self.told("worker"),
            )
            return found == wanted

        wait_for(reached, seconds, f"{wanted}; {self.told('worker')}")

    def store(self, user: str = "parley-operator") -> OwnStore:
        """Return the object store as a user sees it; on Ceph the bucket's owner reads nothing."""
        return OwnStore(self.s3, user, BUCKET)


def _secret() -> str:
    # Formed like Amazon's, so that nothing masks it by its looks; no sign that an address escapes.
    return base64.b32encode(secrets.token_bytes(20)).decode().lower()


def _pem_body(path: Path) -> str:
    lines = path.read_text().split()
    return max(lines, key=len)


@contextlib.contextmanager
def topology(folder: Path, shapes: Path, policy: Mapping[str, object] = POLICY):
    """Bring everything up and end all of it with the block."""
    with contextlib.ExitStack() as stack:
        started = time.monotonic()
        made = Topology(folder, stack)
        made.furnish(shapes, policy)
        (made.logs / "times.log").write_text(f"up after {time.monotonic() - started:.1f} s\n")
        yield made
