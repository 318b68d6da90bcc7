"""The only place that waits: from a published request to the decision on it."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from feedback.bundle import ReviewBundle
from feedback.decision import Decision
from feedback.errors import StoreError
from feedback.following import are_same_edits, follow_up, number_of
from feedback.parking import ParkedRun, park, unpark
from feedback.preview_queue import PreviewQueue
from feedback.publishing import load_bundle
from feedback.recording import load_decision, load_decisions
from flows.channel import Channel, Stages
from flows.context import Round, RunContext
from flows.preview import answer_waiting
from flows.requests import most_follow_ups, publish_follow_up, publish_round
from tasks.asked import save_asked, save_taken, taken_beside, taken_by_run
from tasks.exchange import (
    collect_decision,
    look_for_decision,
    read_feedback_file,
    submit_feedback,
)
from tasks.tracking import Tracker

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asking:
    """What was asked in a round, and what has been decided since the round before.

    Attributes:
        request_id: The round's own request, or the last follow-up of it.
        decisions: Decisions that no earlier round took up, whatever they are, in the order of their
            rounds; the caller must look at them.
    """

    request_id: str
    decisions: tuple[Decision, ...]

    @property
    def decision(self) -> Decision:
        """The round's own decision; only there once it was waited for."""
        return self.decisions[-1]

    def edits_as(self, other: "Asking") -> bool:
        """Tell whether what goes on is what went on before, so that nothing need be made of it."""
        ours, theirs = self.decision, other.decision
        return are_same_edits(ours.channel, ours.edits, theirs.edits)

    def over(self, explained: Stages, corrected: Stages) -> Round:
        """Return the round with what was made of it."""
        taken = tuple(decision.request_id for decision in self.decisions)
        return Round(self.request_id, explained, corrected, taken)


def ask(
    run: RunContext, channel: Channel, explained: Stages, tracker: Tracker, *, wait: bool = True
) -> Asking:
    """Publish the explanation, let the chosen reviewer answer, and wait for the decision.

    The answer travels through object storage whoever gives it: the simulated reviewer and a file
    take the path that people take. A request that was decided before, by this run or one that died,
    is not asked again. One that is waited for and ends without an approval that stands is followed
    up, as often as ``review.follow_ups`` allows.

    Args:
        run: The run that asks.
        channel: How evidence is bundled, and how the simulated reviewer answers.
        explained: The explanation.
        tracker: Knows the champion that the correction is to replace.
        wait: Whether to wait for the decision on this round's request, or to look once for those on
            all that are open.

    Returns:
        What was asked and decided.

    Raises:
        Pause: In a deployed run whose request is open; the process ends, and the run starts again
            from the top when the watcher wakes it.
    """
    published = publish_round(run, channel, explained, tracker)
    _put_forward(run, channel, explained, published)
    if not wait:
        return Asking(published.request_id, _known_so_far(run, published.request_id))
    # Whoever refuses ends the run at once; what approves is taken up when this round is decided,
    # since people who find several requests open answer one after the other.
    if _look(run, published.request_id) is None:
        refused = _first_refusal(_decided(run, run.open_requests()))
        if refused is not None:
            return Asking(published.request_id, (refused,))
    decision = _decision(run, published.request_id)
    earlier = _known_at_last(run)
    first = Asking(published.request_id, (*earlier, decision))
    if not all(one.is_approved for one in earlier):
        # The run ends with that: nobody is asked in vain.
        return first
    return ask_again(run, channel, explained, tracker, first) or first


def ask_again(
    run: RunContext, channel: Channel, explained: Stages, tracker: Tracker, asking: Asking
) -> Asking | None:
    """Follow up a request that ended without an approval that stands, and wait for the decision.

    Args:
        run: The run, in the round that asked.
        channel: How the simulated reviewer answers.
        explained: The explanation that was shown.
        tracker: Knows the champion of now.
        asking: What was asked, its own decision last.

    Returns:
        The same round with the decision on the last follow-up in place of its own; None when there
        is none to ask: the decision stands, or as many were asked as may be.

    Raises:
        Pause: As ``ask`` does.
    """
    objects, most = run.workplace.objects, most_follow_ups(run)
    reached, again = asking, None
    while True:
        before = load_bundle(objects, reached.request_id)
        if number_of(before) >= most:
            return again
        follows = follow_up(before, load_decisions(objects, before.request_id))
        if follows is None:
            return again
        published = publish_follow_up(
            run, channel, explained, tracker, before=before, follows=follows
        )
        logger.info(
            "%s ended %s; %s is follow-up %d of at most %d",
            before.request_id, follows.state.value, published.request_id, follows.number, most,
        )  # fmt: skip
        _put_forward(run, channel, explained, published, follows.number)
        decision = _decision(run, published.request_id)
        reached = again = Asking(published.request_id, (*asking.decisions[:-1], decision))


def _put_forward(
    run: RunContext,
    channel: Channel,
    explained: Stages,
    published: ReviewBundle,
    follow_up: int = 0,
) -> None:
    """Tell of a request, hand in the answer of whoever answers by themselves, and note it."""
    if run.listener.on_published is not None:
        run.listener.on_published(published)
    reviewer = run.params.review.reviewer
    if reviewer == "simulated":
        answer = channel.respond(run, explained, published).to_json()
        submit_feedback(run.workplace, published.request_id, answer)
    elif reviewer.startswith("file:"):
        document = read_feedback_file(Path(reviewer.removeprefix("file:")))
        submit_feedback(run.workplace, published.request_id, document)
    if run.flow_run is not None:
        save_asked(run.workplace, run.run_id, run.round, published.request_id, follow_up)


def _known_so_far(run: RunContext, request_id: str) -> tuple[Decision, ...]:
    """Return the decisions that a round takes up which does not wait.

    Whoever asks the same goes on with what was taken up here before, however much was decided
    since: all that is shown later rests on it, and what people answered must not be asked anew. A
    refusal that came since ends the run as well, unless an earlier process of it had gone on from
    here: then it meets the refusal further on, or is past it.
    """
    found = _by_request(run, (*run.open_requests(), request_id))
    refused = _first_refusal(found.values())
    if refused is not None and not run.went_on:
        return (refused,)
    taken = save_taken(run.workplace, taken_beside(request_id), tuple(found))
    # Another run may have had others open here, or rules that this one does not trust.
    return tuple(found[request] for request in taken if request in found)


def _known_at_last(run: RunContext) -> tuple[Decision, ...]:
    """Return the decisions on earlier requests once the last one is decided.

    Nothing is shown any more, so every run looks for itself, once.
    """
    if not run.open_requests():
        return ()
    found = _by_request(run, run.open_requests())
    taken = save_taken(run.workplace, taken_by_run(run.run_id, run.round), tuple(found))
    return tuple(found[request] for request in taken)


def _first_refusal(decisions: Iterable[Decision]) -> Decision | None:
    return next((decision for decision in decisions if not decision.is_approved), None)


def _by_request(run: RunContext, requests: tuple[str, ...]) -> dict[str, Decision]:
    return {decision.request_id: decision for decision in _decided(run, requests)}


def _decided(run: RunContext, requests: tuple[str, ...]) -> list[Decision]:
    """Return the decisions that there are by now, in the order of their requests."""
    looked = (_look(run, request) for request in requests)
    return [decision for decision in looked if decision is not None]


def _look(run: RunContext, request_id: str) -> Decision | None:
    if run.flow_run is not None:
        # Where runs are deployed, the watcher alone decides.
        return load_decision(run.workplace.objects, request_id, policies=run.policies)
    return look_for_decision(
        run.workplace, request_id, policy=run.policies[0], trusted=run.policies[1:]
    )


def _decision(run: RunContext, request_id: str) -> Decision:
    reviewer = run.params.review.reviewer
    if reviewer == "inbox" and run.flow_run is not None:
        return _suspended(run, request_id, run.flow_run)
    on_wait = run.listener.on_wait
    if reviewer == "inbox":
        on_wait = _answering_previews(run, request_id)
    return collect_decision(
        run.workplace,
        request_id,
        poll_seconds=run.params.review.poll_seconds,
        on_wait=on_wait,
        policy=run.policies[0],
        trusted=run.policies[1:],
    )


def _answering_previews(run: RunContext, request_id: str) -> Callable[[float], None]:
    """Return what a run does between two looks: it answers one question about its own request."""
    queue = PreviewQueue(run.workplace.objects, request_id, policy=run.policies[0])

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
        park(objects, parked)
        # Raises Pause, which ends this process. It returns only when this suspension is over: a
        # resume proves nothing, so without a decision the run lets go again, under a new key.
        suspend_flow_run(key=f"{request_id}/{attempt}")
