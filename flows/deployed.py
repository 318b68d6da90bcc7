"""The retraining flow as a deployment runs it: no process is held while people are asked."""

from pathlib import Path

from prefect import flow, runtime
from pydantic import JsonValue

from flows.params import load_params


@flow(name="retrain-deployed", persist_result=False)
def retrain_deployed(
    params_file: str = "", overrides: list[str] | None = None
) -> dict[str, JsonValue]:
    """Run the loop of ``parley run`` as a deployed flow.

    Args:
        params_file: YAML file of parameters on the worker; empty starts from the defaults.
        overrides: ``key=value`` pairs.

    Returns:
        The run's report as JSON.
    """
    from flows.retrain import run_loop
    from tasks.asked import take_up
    from tasks.liveness import alive
    from tasks.settings import Settings, prepare_environment
    from tasks.workplace import open_workplace

    settings = Settings()
    prepare_environment(settings)
    params = load_params(Path(params_file) if params_file else None, tuple(overrides or ()))
    flow_run = str(runtime.flow_run.id)
    workplace = open_workplace(settings)
    can_suspend = runtime.deployment.id is not None and params.review.wait != "poll"
    asked = take_up(workplace, flow_run) if can_suspend else None
    with alive(settings.home, flow_run):
        return run_loop(
            params, workplace, flow_run, flow_run=flow_run if can_suspend else None, asked=asked
        )
