"""How far reviewers agree with decisions and with each other, over the reviews that are closed.

Counts describe reviews, not people's worth: whoever gets the hard requests is overruled more.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import median

from feedback.answer import Edit
from feedback.channel import load_feedback_channel
from feedback.closed import ClosedReview
from feedback.decision import DecidedResponse, Decision
from feedback.kappa import FEW, Kappa, cohen_kappa, wilson_interval
from feedback.states import ReviewState

_STATES = {
    "approve": {ReviewState.APPROVED, ReviewState.PARTIAL},
    "reject": {ReviewState.REJECTED},
    "request_changes": {ReviewState.CHANGES_REQUESTED},
}
_BY_ANSWERS = frozenset().union(*_STATES.values())


@dataclass(frozen=True)
class Ratio:
    """Some of a number of cases.

    Attributes:
        hits: Cases that hold.
        n: All cases.
    """

    hits: int
    n: int

    @property
    def share(self) -> float | None:
        """Share of the cases that hold; None without cases."""
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95 % interval; None without cases."""
        return wilson_interval(self.hits, self.n) if self.n else None

    @property
    def is_few(self) -> bool:
        """Whether the cases are too few to rely on."""
        return self.n < FEW


@dataclass(frozen=True)
class ReviewerRecord:
    """What one reviewer's answers came to.

    Attributes:
        reviewer: Name.
        answered: Requests that they answered, as the decisions hold it.
        hours_to_answer: Median from publishing to the answer's arrival; None without a request.
        seconds_spent: Median of what they say they looked; None where no answer says.
        as_decided: Verdicts that the decision followed, of requests that others answered too: alone
            one is always followed.
        overridden: Edits that did not go on, of all edits of their approvals.
        joined: Of those that went on, edits that the channel joined with another one's.
    """

    reviewer: str
    answered: int
    hours_to_answer: float | None
    seconds_spent: float | None
    as_decided: Ratio
    overridden: Ratio
    joined: int


@dataclass(frozen=True)
class PairRecord:
    """How far two reviewers agree.

    Attributes:
        first: One of them.
        second: The other, later in the alphabet.
        requests: Requests that both approved, where both could edit.
        either_edited: Items of these that at least one of them said something of.
        kappa: Cohen's kappa over these requests' items, each with what was made of it as its
            category, saying nothing being one too; None without an item that neither abstained on.
    """

    first: str
    second: str
    requests: int
    either_edited: int
    kappa: Kappa | None


@dataclass(frozen=True)
class Agreement:
    """Reviewers by name, and the pairs of them that approved a request together."""

    reviewers: tuple[ReviewerRecord, ...]
    pairs: tuple[PairRecord, ...]


def measure_agreement(reviews: Iterable[ClosedReview]) -> Agreement:
    """Count how far reviewers agree.

    Args:
        reviews: Reviews that are closed, in any order.

    Returns:
        The same for every order.
    """
    tallies: dict[str, _Tally] = defaultdict(_Tally)
    pairs: dict[tuple[str, str], _PairTally] = defaultdict(_PairTally)
    for review in reviews:
        answers = review.closing.responses
        for answer in answers:
            tallies[answer.document.reviewer].note(review, answer)
        edits = {
            answer.document.reviewer: _edits(answer)
            for answer in answers
            if answer.document.verdict == "approve"
        }
        for reviewer, own in edits.items():
            tallies[reviewer].note_edits(review.closing, own, edits)
        for first, second in combinations(sorted(edits), 2):
            items = [item.id for item in review.bundle.items]
            pairs[first, second].note(items, edits[first], edits[second])
    return Agreement(
        tuple(tallies[name].record(name) for name in sorted(tallies)),
        tuple(pairs[names].record(*names) for names in sorted(pairs)),
    )


@dataclass
class _Tally:
    answered: int = 0
    hours: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    compared: int = 0
    followed: int = 0
    edits: int = 0
    overridden: int = 0
    joined: int = 0

    def note(self, review: ClosedReview, answer: DecidedResponse) -> None:
        document, closing = answer.document, review.closing
        arrived = answer.arrived_at or document.created_at
        self.answered += 1
        waited = (arrived - review.bundle.created_at).total_seconds() / 3600
        # By two clocks an answer may seem to come before its question.
        self.hours.append(max(0.0, waited))
        if document.seconds_spent is not None:
            self.seconds.append(document.seconds_spent)
        if len(closing.responses) > 1 and closing.state in _BY_ANSWERS:
            self.compared += 1
            self.followed += closing.state in _STATES[document.verdict]

    def note_edits(
        self, closing: Decision, own: Sequence[Edit], everybody: Mapping[str, Sequence[Edit]]
    ) -> None:
        channel = load_feedback_channel(closing.channel)
        agreed = {edit.target: edit for edit in map(channel.edit_of, closing.edits)}
        if closing.state is ReviewState.PARTIAL:
            agreed = {edit.target: edit for edit in map(channel.edit_of, closing.agreed)}
        for edit in own:
            if edit.abstains_on is not None:
                continue
            self.edits += 1
            went_on = agreed.get(edit.target)
            if went_on is not None and went_on.content == edit.content:
                continue
            rivals = [
                other
                for name in sorted(everybody)
                for other in everybody[name]
                if other.target == edit.target
            ]
            both = channel.join_edits(rivals) if len(rivals) > 1 else None
            if went_on is not None and both is not None and both.content == went_on.content:
                self.joined += 1
            else:
                self.overridden += 1

    def record(self, reviewer: str) -> ReviewerRecord:
        return ReviewerRecord(
            reviewer,
            self.answered,
            median(self.hours) if self.hours else None,
            median(self.seconds) if self.seconds else None,
            Ratio(self.followed, self.compared),
            Ratio(self.overridden, self.edits),
            self.joined,
        )


@dataclass
class _PairTally:
    requests: int = 0
    either: int = 0
    first: list[bytes | None] = field(default_factory=list)
    second: list[bytes | None] = field(default_factory=list)

    def note(self, items: Sequence[str], first: Sequence[Edit], second: Sequence[Edit]) -> None:
        self.requests += 1
        abstained = {edit.item for edit in (*first, *second) if edit.abstains_on is not None}
        one = {edit.item: edit.content for edit in first}
        other = {edit.item: edit.content for edit in second}
        for item in items:
            if item not in abstained:
                self.either += item in one or item in other
                self.first.append(one.get(item))
                self.second.append(other.get(item))

    def record(self, first: str, second: str) -> PairRecord:
        kappa = cohen_kappa(self.first, self.second) if self.first else None
        return PairRecord(first, second, self.requests, self.either, kappa)


def _edits(answer: DecidedResponse) -> tuple[Edit, ...]:
    edit_of = load_feedback_channel(answer.document.channel).edit_of
    return tuple(map(edit_of, answer.document.responses))
