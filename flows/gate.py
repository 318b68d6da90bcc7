"""The only place that waits: from a published request to the decision on it."""

from pathlib import Path

from feedback.decision import Decision
from flows.channel import Channel, Stages
from flows.context import RunContext
from tasks.exchange import collect_decision, read_feedback_file, submit_feedback
from tasks.publishing import publish_review
from tasks.tracking import Tracker


def ask(run: RunContext, channel: Channel, explained: Stages, tracker: Tracker) -> Decision:
    """Publish the explanation, let the chosen reviewer answer, and wait for the decision.

    The answer travels through object storage whoever gives it: the simulated reviewer and a file
    take the path that people take. A request that was decided before, by this run or one that died,
    is not asked again.

    Args:
        run: The run that asks.
        channel: How evidence is bundled, and how the simulated reviewer answers.
        explained: The explanation.
        tracker: Knows the champion that the correction is to replace.

    Returns:
        The decision, whatever it is; the caller must look at it.
    """
    manifest, files = channel.bundle(run, explained)
    # Who started the run is no part of what is shown: the request keeps its id.
    manifest = manifest.model_copy(update={"author": run.workplace.settings.author_name()})
    published = publish_review(
        run.workplace,
        manifest,
        files,
        tracker=tracker,
        name=run.params.model_name,
        policies=run.policies,
    )
    if run.listener.on_published is not None:
        run.listener.on_published(published)
    reviewer = run.params.review.reviewer
    if reviewer == "simulated":
        answer = channel.respond(run, explained, published).to_json()
        submit_feedback(run.workplace, published.request_id, answer)
    elif reviewer.startswith("file:"):
        document = read_feedback_file(Path(reviewer.removeprefix("file:")))
        submit_feedback(run.workplace, published.request_id, document)
    return collect_decision(
        run.workplace,
        published.request_id,
        poll_seconds=run.params.review.poll_seconds,
        on_wait=run.listener.on_wait,
        policy=run.policies[0],
        trusted=run.policies[1:],
    )
