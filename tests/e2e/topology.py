"""Everything that infra/ describes, as processes on loopback: servers, identities, worker, page."""

import base64
import contextlib
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.e2e.gateway import BUCKET, USERS, Gateway, OwnStore, furnish, gateway
from tests.e2e.postgres import Postgres, postgres
from tests.e2e.prefect_api import PrefectApi
from tests.e2e.processes import Processes
from tests.e2e.servers import (
    PARLEY,
    ROOT,
    answers,
    answers_at_all,
    environment,
    free_port,
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
    "promotion__champion_band": "0.99",
    "promotion__need_above_unmodified": "false",
    "review__reviewer": "inbox",
}


class Topology(Processes):
    """Servers that are up, and the processes of Parley between them.

    Attributes:
        folder: Holds a home for each kind of process, and every log.
        secrets: What nobody may read anywhere, by name.
        s3: The object storage.
        database: PostgreSQL.
        prefect: The Prefect server.
        page_url: Address of the review page.
    """

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        super().__init__(folder / "logs", stack)
        self.folder = folder
        self.secrets = {f"s3 key of {user}": _secret() for user in ("owner", *USERS)}
        for name in ("postgres", "prefect", "mlflow admin", "mlflow", "flask"):
            self.secrets[name] = _secret()
        self._ports = {name: free_port() for name in ("prefect", "mlflow", "page")}
        self.page_url = f"http://127.0.0.1:{self._ports['page']}"
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
        self.prefect = PrefectApi(
            self._url("prefect"), self.secrets["prefect"], lambda: self.told("worker")
        )
        stack.callback(self.prefect.close)

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
        self.define("prefect", (*command, "--port", str(self._ports["prefect"])), server)
        self.start("prefect")
        settings = self.folder / "mlflow-auth.ini"
        address = self.database.url("mlflow_auth", "postgresql+psycopg2")
        example = (ROOT / "infra" / "mlflow-auth.ini.example").read_text()
        theirs = "postgresql+psycopg2://parley:PASSWORD@postgres/mlflow_auth"
        assert theirs in example
        settings.write_text(example.replace(theirs, address))
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
        self.define("mlflow", (*command, *listen, *place), tracking)
        self.start("mlflow")

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
            self.prefect.add_pool(pool)
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
        worker = (sys.executable, "-m", "prefect", "worker", "start")
        self.define(
            "worker",
            (*worker, "--pool", "gpu", "--type", "process"),
            self.environment("parley-runs", "worker", PREFECT_WORKER_QUERY_SECONDS="1"),
        )
        rule = ("--policy", str(self.folder / "policy.yaml"))
        self.define(
            "watcher",
            (*PARLEY, "watch", "--every", "2", *rule),
            self.environment("parley-watcher", "watcher"),
        )
        self.define(
            "page",
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

    def await_server(self, name: str, path: str = "/") -> None:
        def is_up() -> bool:
            assert self._running[name][0].poll() is None, self.told(name)
            # Nobody is let in at the page without a proxy that names them.
            return (answers_at_all if name == "page" else answers)(self._url(name) + path)

        wait_for(is_up, 240, f"{name}; {self.told(name)}")

    def start_run(self) -> str:
        """Start the retraining deployment on tiny settings."""
        overrides = [
            *tiny_overrides(**PROMOTED), f"review.policy={self.folder / 'policy.yaml'}"
        ]  # fmt: skip
        given = str(self.folder / "params.yaml")
        return self.prefect.start("retrain", params_file=given, overrides=overrides)

    def champion(self) -> dict[str, Any]:
        """Return the champion as the tracking server has it; empty when there is none."""
        return self._version("champion")

    def aliases(self) -> dict[str, str]:
        """Return the versions that have an alias of Parley in the tracking server."""
        found = {alias: self._version(alias) for alias in ("champion", "previous")}
        return {alias: version["version"] for alias, version in found.items() if version}

    def _version(self, alias: str) -> dict[str, Any]:
        told = httpx.get(
            f"{self._url('mlflow')}/api/2.0/mlflow/registered-models/alias",
            params={"name": "parley", "alias": alias},
            auth=("parley", self.secrets["mlflow"]),
            timeout=60,
        ).json()
        return dict(told.get("model_version", {}))

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
