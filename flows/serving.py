"""Serving the flows from one long-lived process, which starts a process of its own per run."""

from pathlib import Path

from feedback.errors import OrchestrationError


def serve_flows(
    params_file: Path | None, overrides: tuple[str, ...], *, cron: str | None = None
) -> None:
    """Serve the retraining flow until stopped.

    Args:
        params_file: YAML file of the runs' parameters; None starts from the defaults.
        overrides: ``key=value`` pairs.
        cron: When to run by itself; None runs on demand only.

    Raises:
        ParamsError: If the parameters are not valid.
        OrchestrationError: If there is no address of a Prefect server.
    """
    from flows.params import load_params

    load_params(params_file, overrides)
    from prefect import serve
    from prefect.settings import PREFECT_API_URL
    from prefect.types.entrypoint import EntrypointType

    if not PREFECT_API_URL.value():
        raise OrchestrationError(
            "expected the address of a Prefect server in PREFECT_API_URL (got none); "
            "`parley up` starts one"
        )
    from flows.deployed import retrain_deployed

    parameters = {
        "params_file": str(params_file.absolute()) if params_file else "",
        "overrides": list(overrides),
    }
    deployment = retrain_deployed.to_deployment(
        name="retrain",
        parameters=parameters,
        cron=cron,
        # By module: runs find it wherever this process was started.
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    # Schedules stay as they are while nothing serves them: the next start goes on.
    serve(deployment, pause_on_shutdown=False, limit=1)  # type: ignore[arg-type]
