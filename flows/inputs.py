"""What a run is given, checked as a whole before any work is done."""

from pathlib import Path

from feedback.errors import ParamsError
from feedback.policy import Policy
from feedback.policy_file import load_policy
from flows.channel import Channel, Rounds, load_channel
from flows.params import PipelineParams, ReviewParams
from flows.rules import rules_of_run
from tasks.dataset.opening import decode_dataset, identify_dataset
from tasks.dataset.reference import DatasetRef
from tasks.dataset.soundness import OnProblems, check_soundness
from tasks.exchange import check_feedback, read_feedback_file
from tasks.fan_out import check_runner
from tasks.weights import check_weights, weights_digest
from tasks.workplace import Workplace


class RunInputs:
    """Inputs of a run that nothing is wrong with.

    Deliberately no dataclass: Prefect builds a schema of dataclass parameters of a flow, and a
    protocol has none.

    Attributes:
        channel: Channel through which people and the network talk.
        dataset: The dataset, every image of which can be decoded.
        weights_sha256: Digest of the initial weights' file; empty when there is none.
        policies: Rules whose decisions are taken; requests are decided by the first.
    """

    def __init__(
        self,
        channel: Channel,
        dataset: DatasetRef,
        weights_sha256: str,
        policies: tuple[Policy, ...],
    ) -> None:
        self.channel = channel
        self.dataset = dataset
        self.weights_sha256 = weights_sha256
        self.policies = policies


def check_inputs(
    params: PipelineParams, workplace: Workplace, on_problems: OnProblems | None = None
) -> RunInputs:
    """Refuse whatever would make the run fail later, while nothing is written yet.

    Args:
        params: All parameters.
        workplace: Its cache keeps the decoded images.
        on_problems: Told of everything that is wrong with the dataset's files.

    Returns:
        The checked inputs.

    Raises:
        ParleyError: With the first thing that is wrong.
    """
    channel = load_channel(params.channel)
    policies = _check_review(params.review, workplace)
    check_runner(params.fan_out)
    digest = weights_digest(params.classifier.weights)
    dataset = identify_dataset(workplace, params.data_path, unversioned=params.unversioned_data)
    channel.check(params.of_channel(), dataset, params.training)
    _check_rounds(params.review, channel.rounds(params.of_channel()))
    check_weights(params.classifier, len(dataset.classes))
    # Last, for these take longest; the first of them is made once per content.
    check_soundness(workplace, dataset, on_problems=on_problems)
    decode_dataset(workplace, dataset, params.training)
    return RunInputs(channel, dataset, digest, policies)


def _check_rounds(review: ReviewParams, rounds: Rounds) -> None:
    """Refuse a file as reviewer of several requests: it answers the one that it names."""
    if review.reviewer.startswith("file:") and rounds.number > 1:
        raise ParamsError(
            "expected one round of asking with review.reviewer=file, which answers one request "
            f"(got {rounds.number} rounds); ask once in the channel's parameters, or set "
            "review.reviewer=inbox and hand in each round with 'parley review submit'"
        )


def _check_review(review: ReviewParams, workplace: Workplace) -> tuple[Policy, ...]:
    policies = tuple(map(load_policy, rules_of_run(review, workplace.settings)))
    if review.reviewer.startswith("file:"):
        document = read_feedback_file(Path(review.reviewer.removeprefix("file:")))
        check_feedback(workplace, document, policies[0])
    rules = policies[0].roles.values()
    if review.reviewer == "simulated" and not any(
        rule.anyone and "none" in rule.signatures for rule in rules
    ):
        raise ParamsError(
            "expected a policy that takes unsigned answers from anybody, as 'single' does, for "
            f"the simulated reviewer (got {policies[0].name!r}); set review.reviewer=inbox to ask "
            "people"
        )
    return policies
