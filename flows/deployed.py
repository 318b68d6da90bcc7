"""The retraining flow as a deployment runs it: no process is held while people are asked."""

from pathlib import Path

from prefect import State, flow, runtime
from pydantic import JsonValue

from flows.params import load_params


@flow(name="retrain-deployed", persist_result=False)
def retrain_deployed(
    params_file: str = "", overrides: list[str] | None = None, force: bool = False
) -> dict[str, JsonValue] | State[None]:
    """Run the loop of ``parley run`` as a deployed flow, unless there is nothing new to do.

    Args:
        params_file: YAML file of parameters on the worker; empty starts from the defaults.
        overrides: ``key=value`` pairs.
        force: Run although neither data, code, parameters nor accepted feedback changed.

    Returns:
        The run's report as JSON, or the state ``Skipped`` with the reason; such a run leaves no
        trace in MLflow.
    """
    from tasks.attempts import claim_attempt
    from tasks.liveness import alive
    from tasks.settings import Settings, prepare_environment

    settings = Settings()
    prepare_environment(settings)
    flow_run = str(runtime.flow_run.id)
    # Before anything that takes a while: who is killed earlier leaves no note of it.
    with alive(settings.home, flow_run) as went_forward:
        claim_attempt(flow_run)
        from prefect.states import Completed

        from flows.retrain import run_loop
        from flows.starting import prepare_run
        from tasks.asked import take_up
        from tasks.freshness import save_finish
        from tasks.keeping import file_closed_reviews
        from tasks.workplace import open_workplace

        params = load_params(Path(params_file) if params_file else None, tuple(overrides or ()))
        workplace = open_workplace(settings)
        workplace.on_finished += (lambda stage: None if stage.reused else went_forward(),)
        can_suspend = runtime.deployment.id is not None and params.review.wait != "poll"
        asked = take_up(workplace, flow_run) if can_suspend else {}
        # A run that goes on keeps to the data that people were shown.
        if not asked:
            reason = prepare_run(params, workplace, flow_run, force=force)
            if reason is not None:
                return Completed(name="Skipped", message=reason)
        report = run_loop(
            params, workplace, flow_run, flow_run=flow_run if can_suspend else None, asked=asked
        )
        request = report["request"]
        save_finish(
            workplace.objects, params.model_name, flow_run, str(request) if request else None
        )
        file_closed_reviews(workplace, params.data_path)
        return report
