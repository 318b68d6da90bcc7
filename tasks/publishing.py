"""The task that puts a request before its reviewers, made against the champion of now."""

from collections.abc import Collection, Mapping

from prefect import task
from prefect.cache_policies import NO_CACHE

from feedback.bundle import ReviewBundle
from feedback.opening import open_request
from feedback.policy import Policy
from tasks.champion import find_champion
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
    policies: Collection[Policy],
) -> ReviewBundle:
    """Publish a review request; the same evidence against one champion is the same request.

    Args:
        workplace: Holds the object store.
        bundle: Manifest of the request.
        files: Pictures by name.
        tracker: Knows the champion.
        name: Registered name of the model.
        policies: Rules whose decisions are taken.

    Returns:
        The manifest that stands in the store.
    """
    champion = find_champion(workplace.objects, tracker, name)
    return open_request(workplace.objects, bundle, files, base=champion, policies=policies)
