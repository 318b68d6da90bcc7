"""The task that puts a request before its reviewers, made against the champion of now."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from prefect import task
from prefect.cache_policies import NO_CACHE

from feedback.bundle import ReviewBundle
from feedback.opening import open_request
from feedback.policy import Policy, hours_to_answer
from feedback.since import Scores
from feedback.unattended import count_unattended
from tasks.champion import find_champion
from tasks.since import describe_since
from tasks.tracking import Tracker
from tasks.workplace import Workplace


@task(name="publish-review", cache_policy=NO_CACHE)
def publish_review(
    workplace: Workplace,
    bundle: ReviewBundle,
    files: Mapping[str, bytes],
    *,
    tracker: Tracker,
    name: str,
    policies: Sequence[Policy],
    scores: Scores,
    deadline_hours: float | None = None,
    keeps_stale: bool = False,
) -> ReviewBundle:
    """Publish a review request; the same evidence against one champion is the same request.

    Args:
        workplace: Holds the object store.
        bundle: Manifest of the request.
        files: Pictures by name.
        tracker: Knows the champion.
        name: Registered name of the model.
        policies: Rules whose decisions are taken; the first decides.
        scores: Accuracies of the network that is explained, to set beside the champion's.
        deadline_hours: When the request expires unanswered, counted from now; None takes the
            policy's. A deadline that the manifest brings along stays.
        keeps_stale: Whether a request whose approval has gone stale is returned, for a follow-up.

    Returns:
        The manifest that stands in the store.
    """
    if bundle.deadline is None:
        allowed = timedelta(hours=hours_to_answer(policies[0], deadline_hours))
        bundle = bundle.model_copy(update={"deadline": datetime.now(UTC) + allowed})
    champion = find_champion(workplace.objects, tracker, name)
    if champion is not None:
        since = describe_since(workplace.objects, tracker, champion, bundle, scores)
        if policies[0].auto_approve is not None:
            count = count_unattended(workplace.objects, bundle, policies)
            since = since.model_copy(update={"unattended": count})
        bundle = bundle.model_copy(update={"since": since})
    return open_request(
        workplace.objects,
        bundle,
        files,
        base=champion,
        policies=policies,
        keeps_stale=keeps_stale,
    )
