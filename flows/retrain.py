"""THE flow of all channels.

dataset -> classifier -> explain -> publish -> wait -> correct -> evaluate -> register -> promote
"""

from collections.abc import Mapping
from types import MappingProxyType

from prefect import flow
from pydantic import JsonValue

from feedback.errors import ParamsError
from flows.context import SILENT, ReviewListener, RunContext
from flows.gate import ask
from flows.inputs import RunInputs, check_inputs
from flows.params import PipelineParams
from flows.reporting import RunReporter
from tasks.classifier import train_classifier
from tasks.promotion import promote_candidate
from tasks.registering import register_companions, register_model
from tasks.workplace import Workplace


@flow(name="retrain", validate_parameters=False)
def retrain(
    params: PipelineParams,
    workplace: Workplace,
    run_id: str,
    listener: ReviewListener = SILENT,
    inputs: RunInputs | None = None,
) -> dict[str, JsonValue]:
    """Train, explain, ask, correct, compare and, if it is better and approved, promote.

    Args:
        params: All parameters.
        workplace: Stores, folders and listeners.
        run_id: Name of this run.
        listener: Told of the published request and of the wait.
        inputs: What was checked already; None checks it here.

    Returns:
        The run's report as JSON.

    Raises:
        ParamsError: If the run is to suspend, which only a deployed one can.
    """
    if params.review.wait == "suspend":
        raise ParamsError(
            "expected review.wait=auto or poll in a run of this process (got 'suspend', which only "
            "deployed runs can); leave it out, or start the run from `parley up`"
        )
    return run_loop(params, workplace, run_id, listener, inputs)


def run_loop(
    params: PipelineParams,
    workplace: Workplace,
    run_id: str,
    listener: ReviewListener = SILENT,
    inputs: RunInputs | None = None,
    *,
    flow_run: str | None = None,
    asked: Mapping[int, str] = MappingProxyType({}),
) -> dict[str, JsonValue]:
    """Carry out the loop inside a flow; a suspended one starts here again when it goes on.

    Args:
        params: All parameters.
        workplace: Stores, folders and listeners.
        run_id: Name of this run.
        listener: Told of the published request and of the wait.
        inputs: What was checked already; None checks it here.
        flow_run: Id of the flow run that may let go of its process; None polls.
        asked: Requests that it let go of its process for, by round.

    Returns:
        The run's report as JSON.
    """
    # Bad input is refused here, before any work is done.
    given = inputs or check_inputs(params, workplace)
    channel, dataset = given.channel, given.dataset
    run = RunContext(run_id, params, dataset, workplace, listener, given.policies, flow_run, asked)
    with RunReporter(run) as report:
        classifier = train_classifier(
            workplace,
            dataset=dataset,
            classifier=params.classifier,
            training=params.training,
            weights_sha256=given.weights_sha256,
            seed=params.seed,
        )
        rounds = channel.rounds(params.of_channel())
        while run.round <= rounds.number:
            explained = channel.explain(run, classifier)
            asking = ask(
                run,
                channel,
                explained,
                report.tracker,
                wait=rounds.wait or run.round == rounds.number,
            )
            for decision in asking.decisions:
                report.asked(decision)
                if not decision.is_approved:
                    return report.stopped(decision)
            corrected = channel.correct(run, explained, asking.decisions)
            run = run.after(asking.over(explained, corrected))
        evaluation = channel.evaluate(run, explained, corrected)
        report.evaluated(evaluation)
        tags = report.version_tags(decision, evaluation.arm)
        original, candidate = (
            register_model(
                workplace,
                report.tracker,
                network=network,
                dataset=dataset,
                image_size=params.training.image_size,
                name=params.model_name,
                tags=given,
                records=report.version_records(records),
                role=role,
                subject=subject,
            )
            for role, subject, network, given, records in (
                (
                    "original",
                    "as trained",
                    classifier,
                    {"parley.arm": "original"},
                    evaluation.original_records,
                ),
                (
                    "candidate",
                    evaluation.correction,
                    evaluation.candidate,
                    tags,
                    evaluation.candidate_records,
                ),
            )
        )
        register_companions(
            report.tracker,
            evaluation.companions,
            name=params.model_name,
            tags=tags,
        )
        promotion = promote_candidate(
            workplace,
            report.tracker,
            original=original,
            candidate=candidate,
            decision=decision,
            allowed=evaluation.promote,
            tags=tags,
        )
        return report.finished(evaluation, original, candidate, promotion)
