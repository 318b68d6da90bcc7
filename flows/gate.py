"""The only place that waits: from a published request to the decision on it."""

import logging
from collections.abc import Callable
from pathlib import Path

from feedback.bundle import ReviewBundle
from feedback.decision import Decision
from feedback.errors import StoreError
from feedback.parking import ParkedRun, park, unpark
from feedback.preview_queue import PreviewQueue
from feedback.recording import load_decision
from flows.channel import Channel, Stages
from flows.context import RunContext
from flows.preview import answer_waiting, note_origin
from tasks.asked import load_asked, save_asked
from tasks.exchange import collect_decision, read_feedback_file, submit_feedback
from tasks.publishing import publish_review
from tasks.tracking import Tracker

logger = logging.getLogger(__name__)


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

    Raises:
        Pause: In a deployed run whose request is open; the process ends, and the run starts again
            from the top when the watcher wakes it.
    """
    published = _publish(run, channel, explained, tracker)
    if run.listener.on_published is not None:
        run.listener.on_published(published)
    reviewer = run.params.review.reviewer
    if reviewer == "simulated":
        answer = channel.respond(run, explained, published).to_json()
        submit_feedback(run.workplace, published.request_id, answer)
    elif reviewer.startswith("file:"):
        document = read_feedback_file(Path(reviewer.removeprefix("file:")))
        submit_feedback(run.workplace, published.request_id, document)
    elif run.flow_run is not None:
        return _suspended(run, published.request_id, run.flow_run)
    on_wait = run.listener.on_wait
    if reviewer == "inbox":
        on_wait = _answering_previews(run, published.request_id)
    return collect_decision(
        run.workplace,
        published.request_id,
        poll_seconds=run.params.review.poll_seconds,
        on_wait=on_wait,
        policy=run.policies[0],
        trusted=run.policies[1:],
    )


def _publish(
    run: RunContext, channel: Channel, explained: Stages, tracker: Tracker
) -> ReviewBundle:
    if run.asked is not None:
        return load_asked(run.workplace.objects, run.asked, run.dataset.md5)
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
        scores=channel.measure(run, explained),
    )
    if run.params.review.reviewer == "inbox":
        note_origin(run, explained, published.request_id)
    return published


def _answering_previews(run: RunContext, request_id: str) -> Callable[[float], None]:
    """Return what a run does between two looks: it answers one question about its own request."""
    queue = PreviewQueue(run.workplace.objects, request_id)

    def waited(seconds: float) -> None:
        if run.listener.on_wait is not None:
            run.listener.on_wait(seconds)
        try:
            # One at a time: the decision is waited for, previews are by the way.
            answer_waiting(run.workplace, queue, most=1)
        except StoreError as error:
            logger.warning("no preview can be read: %s", error)

    return waited


def _suspended(run: RunContext, request_id: str, flow_run: str) -> Decision:
    from prefect.flow_runs import suspend_flow_run

    objects, parked = run.workplace.objects, ParkedRun(request_id, flow_run)
    attempt = 0
    while True:
        attempt += 1
        decision = load_decision(objects, request_id, policies=run.policies)
        if decision is not None:
            unpark(objects, parked)
            return decision
        save_asked(run.workplace, run.run_id, request_id)
        park(objects, parked)
        # Raises Pause, which ends this process. It returns only when this suspension is over: a
        # resume proves nothing, so without a decision the run lets go again, under a new key.
        suspend_flow_run(key=f"{request_id}/{attempt}")
