"""The end of a run: what was corrected is compared, registered and, if all agree, promoted."""

from dataclasses import dataclass

from feedback.bundle import BaseVersion
from feedback.decision import Decision
from feedback.errors import StaleChampionError, TrackingError
from flows.channel import Channel
from flows.context import RunContext
from flows.reporting import RunReporter
from tasks.challenge import challenge_champion
from tasks.challenge_verdict import challenge_records, unchallenged, with_challenge
from tasks.champion import find_champion, is_version, replaced_by
from tasks.evaluation import Evaluation
from tasks.promotion import Promotion, promote_candidate
from tasks.registered import registered_network
from tasks.registering import register_companions, register_model
from tasks.stage import StageResult
from tasks.version_pages import VersionRef

MOST_LOOKS = 10
"""Times that a candidate is compared with a champion that has moved since."""


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


@dataclass(frozen=True)
class Conclusion:
    """What became of a candidate, and why.

    Attributes:
        evaluation: How it compares, with the champion as well.
        promotion: What became of it.
    """

    evaluation: Evaluation
    promotion: Promotion


def conclude(
    run: RunContext, report: RunReporter, result: Result, decision: Decision
) -> Conclusion:
    """Make a candidate champion if rule, champion and an approval that is not stale allow it.

    Args:
        run: The run.
        report: Knows what the version says of its origin.
        result: The candidate.
        decision: The approval.

    Returns:
        What became of it.

    Raises:
        StaleChampionError: If the champion moves faster than a candidate is compared with it.
    """
    # A champion that moves while the candidate is compared with it makes for another look.
    for _ in range(MOST_LOOKS):
        champion = find_champion(run.workplace.objects, report.tracker, result.candidate.name)
        evaluation = _challenge(run, report, result, champion)
        promotion = promote_candidate(
            run.workplace,
            report.tracker,
            original=result.original,
            candidate=result.candidate,
            decision=decision,
            allowed=evaluation.promote,
            against=champion.version if champion else None,
            tags=report.version_tags(decision, evaluation.arm),
        )
        if promotion is not None:
            return Conclusion(evaluation, promotion)
    raise StaleChampionError(
        f"expected the champion of {result.candidate.name} to stand while a candidate is compared "
        f"with it (got another one {MOST_LOOKS} times); run again"
    )


def _challenge(
    run: RunContext, report: RunReporter, result: Result, champion: BaseVersion | None
) -> Evaluation:
    """Compare a candidate with the champion, if that is another run's network."""
    evaluation, params = result.evaluation, run.params
    rival = _rival(run, result, champion)
    if rival is None or params.promotion.champion_band == 1:
        return evaluation
    try:
        compared = challenge_champion(
            run.workplace,
            champion=registered_network(report.tracker, result.candidate.name, rival),
            candidate=evaluation.candidate,
            dataset=run.dataset,
            training=params.training,
            confidence=params.promotion.confidence,
            n_bootstrap=params.promotion.n_bootstrap,
            seed=params.seed,
        )
    except TrackingError as error:
        if champion is not None and champion.version == result.candidate.version:
            return evaluation  # it is champion, whatever became of the one before
        return unchallenged(evaluation, rival, str(error))
    report.tracker.log(challenge_records(compared))
    return with_challenge(evaluation, compared, rival, params.promotion)


def _rival(run: RunContext, result: Result, champion: BaseVersion | None) -> str | None:
    """Return the version that a candidate is to be compared with, if any."""
    # With the original the channel's own rule compares.
    if champion is None or is_version(champion, result.original):
        return None
    if champion.version != result.candidate.version:
        return champion.version
    # Promoted before, by this run or one like it: what was said then is said again.
    before = replaced_by(run.workplace.objects, result.candidate)
    return None if before == result.original.version else before
