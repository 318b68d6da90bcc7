"""THE flow of all channels.

dataset -> classifier -> explain -> publish -> wait -> correct -> evaluate -> register -> promote

A request that is waited for and ends without an approval is followed up inside ``ask``; an approval
that came too late for its champion, after ``promote``.
"""

from collections.abc import Mapping
from types import MappingProxyType

from prefect import flow
from pydantic import JsonValue

from flows.concluding import conclude, evaluate_and_register
from flows.context import SILENT, ReviewListener, RunContext
from flows.gate import ask, ask_again
from flows.inputs import RunInputs, check_inputs
from flows.params import PipelineParams, check_in_process
from flows.reporting import RunReporter
from tasks.classifier import train_classifier
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
    check_in_process(params)
    return run_loop(params, workplace, run_id, listener, inputs)


def run_loop(
    params: PipelineParams,
    workplace: Workplace,
    run_id: str,
    listener: ReviewListener = SILENT,
    inputs: RunInputs | None = None,
    *,
    flow_run: str | None = None,
    asked: Mapping[int, tuple[str, ...]] = MappingProxyType({}),
) -> dict[str, JsonValue]:
    """Carry out the loop inside a flow; a suspended one starts here again when it goes on.

    Args:
        params: All parameters.
        workplace: Stores, folders and listeners.
        run_id: Name of this run.
        listener: Told of the published request and of the wait.
        inputs: What was checked already; None checks it here.
        flow_run: Id of the flow run that may let go of its process; None polls.
        asked: Requests that it let go of its process for, by round, with their follow-ups.

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
            waits = rounds.wait or run.round == rounds.number
            asking = ask(run, channel, explained, report.tracker, wait=waits)
            if (refusal := report.asked(asking.decisions)) is not None:
                return report.stopped(refusal)
            corrected = channel.correct(run, explained, asking.decisions)
            last, run = run, run.after(asking.over(explained, corrected))
        result = evaluate_and_register(run, channel, report, classifier, asking.decision)
        conclusion = conclude(run, report, result, asking.decision)
        refusal = None
        # The champion was replaced while people thought: they are asked what they say beside it.
        while conclusion.promotion.stale and (
            again := ask_again(last, channel, explained, report.tracker, asking)
        ):
            if (refusal := report.asked((again.decision,), instead=True)) is not None:
                break
            if not again.edits_as(asking):
                corrected = channel.correct(last, explained, again.decisions)
                run = last.after(again.over(explained, corrected))
                result = evaluate_and_register(run, channel, report, classifier, again.decision)
            asking, conclusion = again, conclude(run, report, result, again.decision)
        return report.finished(
            conclusion.evaluation,
            result.original,
            result.candidate,
            conclusion.promotion,
            refusal,
        )
