"""The command line: a command parses, calls one function, prints one result.

Nothing heavy is imported before a command needs it, so that ``parley --help`` answers at once.
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands import audit, data, review, reviewers, store
from flows.ports import Ports

if TYPE_CHECKING:
    from tasks.settings import Settings

app = typer.Typer(
    name="parley",
    help="Let people correct what a neural network believes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(data.app, name="data", help="Render, import and inspect datasets.")
app.add_typer(review.app, name="review", help="List, look at and answer review requests.")
app.add_typer(reviewers.app, name="reviewers", help="Enrol reviewers and take them off.")
app.add_typer(audit.app, name="audit", help="Check the log of everything that was decided.")
app.add_typer(store.app, name="store", help="Set up the object storage.")

ParamsFile = Annotated[Path | None, typer.Option("--params", help="YAML file of parameters.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override one parameter; may be repeated."),
]


@app.command()
def run(
    params: ParamsFile = None,
    set_: Overrides = None,
    data_dir: Annotated[
        Path | None, typer.Option("--data", help="Folder of the dataset, run under its own md5.")
    ] = None,
    channel: Annotated[
        str | None, typer.Option("--channel", help="Channel to talk through.")
    ] = None,
    reviewer: Annotated[
        str | None, typer.Option("--reviewer", help="simulated, inbox, or file:PATH.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Initial weights of the classifier.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write the report as JSON.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Compute every stage again.")] = False,
) -> None:
    """Train, explain, ask, correct, compare, register and promote."""
    from flows.commands.run import run_pipeline

    given = {
        "data": data_dir,
        "channel": channel,
        "review.reviewer": reviewer,
        "classifier.weights": weights,
    }
    # Quoted, for a folder may be called 2024 or no, which YAML does not take for a name.
    flags = [f"{key}={json.dumps(str(value))}" for key, value in given.items() if value is not None]
    run_pipeline(params, (*(set_ or ()), *flags), report=report, fresh=fresh)


@app.command()
def report(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="Run, or `latest`.")] = "latest",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the JSON as it is stored.")
    ] = False,
) -> None:
    """Show the report of a finished run."""
    from flows.commands.show import show_report

    show_report(run_id, as_json=as_json)


@app.command()
def up(
    params: ParamsFile = None,
    set_: Overrides = None,
    policy: Annotated[
        str,
        typer.Option(
            "--policy", help="single, signed, or a file; default review.policy, PARLEY_POLICY."
        ),
    ] = "",
    cron: Annotated[str | None, typer.Option("--cron", help="When to run by itself.")] = None,
    prefect_port: Annotated[int, typer.Option("--prefect-port", min=1, max=65535)] = Ports.prefect,
    mlflow_port: Annotated[int, typer.Option("--mlflow-port", min=1, max=65535)] = Ports.mlflow,
    page_port: Annotated[int, typer.Option("--page-port", min=1, max=65535)] = Ports.page,
) -> None:
    """Start servers, watcher, served flow and review page on 127.0.0.1; Ctrl-C stops all."""
    from flows.commands.up import bring_up

    ports = Ports(prefect_port, mlflow_port, page_port)
    bring_up(params, tuple(set_ or ()), ports=ports, policy=policy, cron=cron)


@app.command()
def serve(
    params: ParamsFile = None,
    set_: Overrides = None,
    cron: Annotated[str | None, typer.Option("--cron", help="When to run by itself.")] = None,
) -> None:
    """Serve the flow to the Prefect server at PREFECT_API_URL; waiting runs hold no process."""
    from tasks.settings import Settings
    from tasks.workplace import open_workplace

    # The folder of the orchestrator's state must be there before Prefect is imported.
    open_workplace(Settings(), brief=True)
    from flows.serving import serve_flows

    serve_flows(params, tuple(set_ or ()), cron=cron)


@app.command()
def deploy(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Such as infra/prefect.yaml.")],
) -> None:
    """Put the deployments of a file on the Prefect server at PREFECT_API_URL."""
    from tasks.settings import Settings
    from tasks.workplace import open_workplace

    # The folder of the orchestrator's state must be there before Prefect is imported.
    open_workplace(Settings(), brief=True)
    from flows.deploying import deploy_file

    for name in deploy_file(file):
        typer.echo(f"deployed {name}")


@app.command()
def watch(
    policy: Annotated[
        str, typer.Option("--policy", help="single, signed, or a file; default PARLEY_POLICY.")
    ] = "",
    every: Annotated[float, typer.Option("--every", min=0.1, help="Seconds between looks.")] = 5.0,
    once: Annotated[bool, typer.Option("--once", help="Look once, then end.")] = False,
) -> None:
    """Decide what reviewers hand in, remind them, and wake the runs that wait."""
    from flows.commands.watch import watch_store

    watch_store(policy, every_seconds=every, once=once)


@app.command()
def preview(
    policy: Annotated[
        str, typer.Option("--policy", help="single, signed, or a file; default PARLEY_POLICY.")
    ] = "",
    every: Annotated[float, typer.Option("--every", min=0.1, help="Seconds between looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look once, then end.")] = False,
) -> None:
    """Compute what reviewers' edits would do, when the page asks."""
    from flows.commands.preview import answer_previews

    answer_previews(policy, every_seconds=every, once=once)


@app.command()
def recover(
    every: Annotated[
        float, typer.Option("--every", min=0, help="Seconds between looks; 0 looks once.")
    ] = 0.0,
) -> None:
    """Start deployed runs of this host again whose process was killed or whose store was away."""
    from flows.commands.recover import recover_killed

    recover_killed(every)


@app.command()
def revoke(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The champion that is to go.")],
    why: Annotated[str, typer.Option("--why", help="Reason, kept with the decision.")],
    model: Annotated[str, typer.Option("--model", help="Registered name.")] = "parley",
) -> None:
    """Take a promotion back: the version before is champion again."""
    from flows.commands.revoke import revoke_champion

    revoke_champion(model, version, why)


@app.command()
def channels() -> None:
    """List the channels through which people and the network can talk."""
    from flows.commands.show import show_channels

    show_channels()


@app.command()
def params(params_file: ParamsFile = None, set_: Overrides = None) -> None:
    """Print all parameters as they would be used, with their defaults."""
    from flows.commands.show import show_params

    show_params(params_file, tuple(set_ or ()))


@app.command()
def doctor() -> None:
    """Check the installation: store, tracking, data, orchestration; say what to do."""
    from flows.commands.doctor import diagnose

    raise typer.Exit(0 if diagnose() else 1)


def main() -> None:
    """Run the command line; a known error becomes one line on stderr and exit code 1."""
    from tasks.settings import Settings, prepare_environment

    settings = Settings()
    prepare_environment(settings)
    try:
        app()
    except KeyboardInterrupt:
        typer.echo("parley: stopped; the same command goes on from here", err=True)
        sys.exit(130)
    except Exception as error:
        told = _in_our_words(error, settings)
        if told is None:
            raise
        _tell(told)


def _in_our_words(error: Exception, settings: "Settings") -> Exception | None:
    """Return what to tell of an error, or None when only its traceback tells anything."""
    from feedback.errors import ParleyError, TrackingError
    from flows.outage import explain_outage

    is_ours = isinstance(error, ParleyError)
    # Databases that Prefect and MLflow keep in our folder fail with our disk; a server's do not.
    if not is_ours or (isinstance(error, TrackingError) and not settings.tracking_uri):
        return explain_outage(error, settings.home) or (error if is_ours else None)
    return error


def _tell(error: Exception) -> None:
    """Print an error as one line, whatever a message of somebody else's holds, and end."""
    typer.echo(f"parley: {' '.join(str(error).split())}", err=True)
    sys.exit(1)
