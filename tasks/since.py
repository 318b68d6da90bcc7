"""What changed since the champion, from what its version, its review and this run's network say."""

from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from feedback.bundle import BaseVersion, ReviewBundle
from feedback.channel import load_feedback_channel
from feedback.errors import ArtifactError, ChannelError, FeedbackError, ObjectNotFoundError
from feedback.fields import JsonObject
from feedback.objects import ObjectStore
from feedback.publishing import load_bundle
from feedback.recording import load_decisions
from feedback.since import Difference, Scores, SinceChampion, compare_accuracies
from tasks.registry import DATASET_TAG, version_metrics, version_tags
from tasks.tracking import Tracker, plain_name

_LONGEST = 4000


def describe_since(
    objects: ObjectStore,
    tracker: Tracker,
    champion: BaseVersion,
    bundle: ReviewBundle,
    scores: Scores,
) -> SinceChampion:
    """Compare a champion with what a request is about to show.

    Args:
        objects: Holds the review by which it became champion.
        tracker: Holds its tags and metrics.
        champion: The champion of now.
        bundle: The request.
        scores: Accuracies of the network that the request explains.

    Returns:
        As much as is known; what is not known is said.

    Raises:
        TrackingError: If the tracking server refuses.
        StoreError: If the store does not answer.
    """
    metrics = version_metrics(tracker, champion.name, champion.version)
    theirs = {
        name: metrics[key]
        for name in scores.names
        if 0 <= metrics.get(key := plain_name(f"class.{name}"), -1.0) <= 1
    }
    found, remark = _differences(objects, champion, bundle)
    return SinceChampion(
        dataset_md5=_md5(version_tags(tracker, champion.name, champion.version)),
        accuracies=compare_accuracies(scores, theirs),
        differences=tuple(found),
        remark=remark[:_LONGEST],
    )


def _differences(
    objects: ObjectStore, champion: BaseVersion, bundle: ReviewBundle
) -> tuple[Sequence[Difference], str]:
    """Return what the champion's review made otherwise, or why that cannot be told."""
    if champion.request_id is None:
        return (), "The champion is a network as it was trained: no review has edited it."
    try:
        then = load_bundle(objects, champion.request_id)
        if then.channel != bundle.channel:
            told = f"The champion was corrected through another channel, {then.channel}."
            return (), told
        edits = _accepted(objects, champion.request_id)
        return load_feedback_channel(bundle.channel).differences(then, edits, bundle), ""
    except (ObjectNotFoundError, ArtifactError, FeedbackError, ChannelError) as error:
        return (), f"The review behind the champion cannot be compared with: {error}"
    except ValidationError:
        return (), "The review behind the champion is of a version that cannot be read any more."


def _accepted(objects: ObjectStore, request_id: str) -> tuple[JsonObject, ...]:
    decisions = load_decisions(objects, request_id)
    return next((found.edits for found in reversed(decisions) if found.is_approved), ())


def _md5(tags: Mapping[str, str]) -> str | None:
    found = tags.get(DATASET_TAG, "")
    return found if 0 < len(found) <= 36 else None
