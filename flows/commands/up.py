"""``parley up``: everything on this machine with one command, on loopback."""

import fcntl
import importlib.util
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import typer

from feedback.errors import OrchestrationError
from flows.ports import Ports
from flows.supervisor import Service, Supervisor
from tasks.settings import Settings

PARLEY = (sys.executable, "-c", "from flows.cli import main; main()")
HOST = "127.0.0.1"


def bring_up(
    params_file: Path | None,
    overrides: tuple[str, ...],
    *,
    ports: Ports,
    policy: str,
    cron: str | None,
) -> None:
    """Start servers, watcher, workers, served flow and page; return when all were stopped again.

    Args:
        params_file: YAML file of the runs' parameters.
        overrides: ``key=value`` pairs.
        ports: Where the servers listen.
        policy: Rule of the watcher, the runs and the page; empty takes ``review.policy``,
            or ``PARLEY_POLICY`` where the parameters do not name one.
        cron: When to run by itself.

    Raises:
        ParamsError: If the parameters are not valid.
        OrchestrationError: If something does not start, or all is up already.
    """
    from feedback.policy_file import load_policy
    from flows.params import load_params
    from flows.rules import chosen_rule
    from tasks.workplace import open_workplace

    settings = Settings()
    rule = chosen_rule(load_params(params_file, overrides).review, settings, policy)
    load_policy(rule)
    overrides = (*overrides, f"review.policy={rule}")
    open_workplace(settings, brief=True)
    servers, workers = services(settings, ports, params_file, overrides, policy=rule, cron=cron)
    with _only_one(settings.home / "up.lock"):
        supervisor = Supervisor(settings.home / "logs", told=typer.echo)
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            signal.signal(number, supervisor.ask_to_stop)
        try:
            supervisor.start(servers)
            supervisor.start(workers)
            typer.echo(f"all is up; logs are in {settings.home / 'logs'}; Ctrl-C stops it")
            supervisor.keep()
        finally:
            typer.echo("stopping")
            supervisor.stop()
            for number, handler in before.items():
                signal.signal(number, handler)
    typer.echo("stopped; the next `parley up` goes on from here")


def services(
    settings: Settings,
    ports: Ports,
    params_file: Path | None,
    overrides: tuple[str, ...],
    *,
    policy: str,
    cron: str | None,
) -> tuple[list[Service], list[Service]]:
    """Return what is to be started: the servers, then what needs them.

    Servers of others, named in ``PREFECT_API_URL`` and ``MLFLOW_TRACKING_URI``, are used in place
    of own ones.

    Args:
        settings: The installation's addresses.
        ports: Where the servers listen.
        params_file: YAML file of the runs' parameters.
        overrides: ``key=value`` pairs.
        policy: Rule by which requests are decided and close.
        cron: When to run by itself.
    """
    given = {**os.environ, "PARLEY_HOME": str(settings.home.absolute())}
    servers = []
    api = given.get("PREFECT_API_URL", "")
    if not api:
        servers.append(_prefect(given, ports.prefect))
        api = f"http://{HOST}:{ports.prefect}/api"
    tracking = settings.tracking_uri
    if not tracking:
        servers.append(_mlflow(given, settings, ports.mlflow))
        tracking = f"http://{HOST}:{ports.mlflow}"
    page = f"http://{HOST}:{ports.page}"
    known = {"PREFECT_API_URL": api, "MLFLOW_TRACKING_URI": tracking}
    env = {**given, **known, "PARLEY_PAGE_URL": settings.page_url or page}
    env.setdefault("PREFECT_RUNNER_POLL_FREQUENCY", "1")
    serve = [*PARLEY, "serve", *(f"--set={pair}" for pair in overrides)]
    if params_file is not None:
        serve += ["--params", str(params_file.absolute())]
    if cron is not None:
        serve += ["--cron", cron]
    rule = ("--policy", policy)
    workers = [
        Service("watcher", (*PARLEY, "watch", "--every", "2", *rule), env),
        Service("previews", (*PARLEY, "preview", "--every", "1", *rule), env),
        Service("reaper", (*PARLEY, "recover", "--every", "20"), env),
        Service("flows", serve, env, health=f"{api}/deployments/name/retrain-deployed/retrain"),
    ]
    found = page_service(env, ports.page, policy=policy)
    return servers, workers + ([found] if found else [])


def page_service(environment: Mapping[str, str], port: int, *, policy: str) -> Service | None:
    """Return the review page as a service, or None where it is not installed.

    The one place that knows how the page is started.

    Args:
        environment: Variables of the process.
        port: Port on loopback.
        policy: Rule by which requests close.
    """
    if importlib.util.find_spec("review.app") is None:
        return None
    address = f"http://{HOST}:{port}"
    command = [*PARLEY, "review", "serve", "--port", str(port), "--policy", policy]
    if not environment.get("PARLEY_PAGE_IDENTITY_HEADER"):
        # On one's own machine nobody else can be at the page.
        command += ["--reviewer", Settings().author_name()]
    return Service("page", tuple(command), environment, health=address, port=port, page=address)


def _prefect(given: Mapping[str, str], port: int) -> Service:
    address = f"http://{HOST}:{port}"
    command = (sys.executable, "-m", "prefect", "server", "start", "--host", HOST)
    return Service(
        "prefect",
        (*command, "--port", str(port)),
        {**given, "PREFECT_UI_API_URL": f"{address}/api"},
        health=f"{address}/api/health",
        port=port,
        page=address,
    )


def _mlflow(given: Mapping[str, str], settings: Settings, port: int) -> Service:
    address = f"http://{HOST}:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port)]
    # The database and folder that runs without a server use too.
    command += ["--backend-store-uri", settings.mlflow_uri(), "--no-serve-artifacts"]
    command += ["--default-artifact-root", str(settings.artifact_root()), "--workers", "1"]
    # Its queues for judging language models are eight more processes that nothing here needs.
    env = {**given, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    return Service("mlflow", command, env, health=f"{address}/health", port=port, page=address)


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OrchestrationError(
                f"expected nothing up in {path.parent} (got another `parley up`); stop that one, "
                "or name another folder in PARLEY_HOME"
            ) from None
        yield
