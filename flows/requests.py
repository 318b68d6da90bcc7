"""The requests of a run, published: that of a round, and the follow-ups of one that was decided."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from feedback.bundle import ReviewBundle
from feedback.errors import ObjectNotFoundError
from feedback.follow_up import FollowUp
from feedback.following import freeze_follow_up, number_of
from feedback.publishing import load_bundle, load_files
from feedback.upload import parse_upload
from flows.channel import Channel, Stages
from flows.context import RunContext
from flows.preview import note_origin
from tasks.asked import load_asked
from tasks.exchange import read_feedback_file
from tasks.publishing import publish_review
from tasks.tracking import Tracker


def publish_round(
    run: RunContext, channel: Channel, explained: Stages, tracker: Tracker
) -> ReviewBundle:
    """Publish a round's own request, or find the one that the run has asked before.

    Args:
        run: The run that asks.
        channel: How evidence is bundled.
        explained: The explanation.
        tracker: Knows the champion that the correction is to replace.

    Returns:
        The manifest that stands.
    """
    asked = run.asked_before(0)
    if asked is not None:
        return load_asked(run.workplace.objects, asked, run.dataset.md5)
    manifest, files = channel.bundle(run, explained)
    # Who started the run is no part of what is shown: the request keeps its id.
    manifest = manifest.model_copy(update={"author": run.workplace.settings.author_name()})
    return _publish(run, channel, explained, tracker, manifest, files)


def publish_follow_up(
    run: RunContext,
    channel: Channel,
    explained: Stages,
    tracker: Tracker,
    *,
    before: ReviewBundle,
    follows: FollowUp,
) -> ReviewBundle:
    """Publish the follow-up of a request: its evidence once more, and what was said of it.

    Args:
        run: The run that asks.
        channel: Measures what is explained, to set it beside the champion of now.
        explained: The explanation that both requests show.
        tracker: Knows the champion of now.
        before: The request before.
        follows: What was said of it.

    Returns:
        The manifest that stands.
    """
    objects = run.workplace.objects
    asked = run.asked_before(follows.number)
    if asked is not None:
        return load_asked(objects, asked, run.dataset.md5)
    manifest = freeze_follow_up(
        before,
        follows,
        created_at=datetime.now(UTC),
        author=run.workplace.settings.author_name(),
        run=run.run_id,
    )
    return _publish(run, channel, explained, tracker, manifest, load_files(objects, before))


def most_follow_ups(run: RunContext) -> int:
    """Return how many follow-ups a run may ask of one request.

    Whoever brings a file has answered one request; what follows that one is left to others.
    """
    review = run.params.review
    if not review.reviewer.startswith("file:"):
        return review.follow_ups
    data = read_feedback_file(Path(review.reviewer.removeprefix("file:")))
    try:
        answered = load_bundle(run.workplace.objects, parse_upload(data).document.request_id)
    except ObjectNotFoundError:
        return 0
    return min(review.follow_ups, number_of(answered))


def _publish(
    run: RunContext,
    channel: Channel,
    explained: Stages,
    tracker: Tracker,
    manifest: ReviewBundle,
    files: Mapping[str, bytes],
) -> ReviewBundle:
    published = publish_review(
        run.workplace,
        manifest,
        files,
        tracker=tracker,
        name=run.params.model_name,
        policies=run.policies,
        deadline_hours=run.params.review.deadline_hours,
        scores=channel.measure(run, explained),
        keeps_stale=number_of(manifest) < most_follow_ups(run),
    )
    if run.params.review.reviewer == "inbox":
        note_origin(run, explained, published.request_id)
    return published
