"""The end of a run: what was corrected is compared, registered and, if all agree, promoted."""

from dataclasses import dataclass

from feedback.decision import Decision
from flows.channel import Channel
from flows.context import RunContext
from flows.reporting import RunReporter
from tasks.evaluation import Evaluation
from tasks.promotion import Promotion, promote_candidate
from tasks.registering import register_companions, register_model
from tasks.stage import StageResult
from tasks.version_pages import VersionRef


@dataclass(frozen=True)
class Result:
    """A corrected network that was compared and registered.

    Attributes:
        evaluation: How it compares.
        original: Version of the network before the correction.
        candidate: Its own version.
    """

    evaluation: Evaluation
    original: VersionRef
    candidate: VersionRef


def evaluate_and_register(
    run: RunContext,
    channel: Channel,
    report: RunReporter,
    classifier: StageResult,
    decision: Decision,
) -> Result:
    """Compare a corrected network with what was there before, and register both.

    Args:
        run: The run, after its rounds of asking.
        channel: How networks are compared.
        report: Told of the comparison.
        classifier: The network before the correction.
        decision: The approval that the correction rests on.

    Returns:
        The comparison, and the versions.
    """
    last = run.past[-1]
    evaluation = channel.evaluate(run, last.explained, last.corrected)
    report.evaluated(evaluation)
    tags = report.version_tags(decision, evaluation.arm)
    original, candidate = (
        register_model(
            run.workplace,
            report.tracker,
            network=network,
            dataset=run.dataset,
            training=run.params.training,
            name=run.params.model_name,
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
        report.tracker, evaluation.companions, name=run.params.model_name, tags=tags
    )
    return Result(evaluation, original, candidate)


def promote(run: RunContext, report: RunReporter, result: Result, decision: Decision) -> Promotion:
    """Make a candidate champion if the rule and an approval that is not stale allow it.

    Args:
        run: The run.
        report: Knows what the version says of its origin.
        result: The candidate.
        decision: The approval.

    Returns:
        What became of it.
    """
    return promote_candidate(
        run.workplace,
        report.tracker,
        original=result.original,
        candidate=result.candidate,
        decision=decision,
        allowed=result.evaluation.promote,
        tags=report.version_tags(decision, result.evaluation.arm),
    )
