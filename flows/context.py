"""What every step of one run may know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from feedback.bundle import ReviewBundle
from feedback.policy import Policy, single_policy
from flows.params import PipelineParams
from tasks.dataset.reference import DatasetRef
from tasks.stage import StageResult
from tasks.workplace import Workplace

Stages = Mapping[str, StageResult]
"""Finished stages by the channel's own names."""


@dataclass(frozen=True)
class ReviewListener:
    """Whoever wants to know how a review goes, such as the terminal.

    Attributes:
        on_published: Told of the request once it lies in the store.
        on_wait: Told the seconds waited for a decision so far.
    """

    on_published: Callable[[ReviewBundle], None] | None = None
    on_wait: Callable[[float], None] | None = None


SILENT = ReviewListener()


@dataclass(frozen=True)
class Round:
    """One round of asking that is over.

    Attributes:
        request_id: What was asked.
        explained: The evidence that was shown.
        corrected: What was made of the decisions known by then.
        taken: Requests whose decisions those were.
    """

    request_id: str
    explained: Stages
    corrected: Stages
    taken: tuple[str, ...]


@dataclass(frozen=True)
class RunContext:
    """One run: its parameters, its dataset and the place where it works.

    Attributes:
        run_id: Short unique name of the run, used in reports and tracking.
        params: All parameters.
        dataset: The dataset, already checked.
        workplace: Stores, folders and listeners.
        listener: Told of the published request and of the wait.
        policies: Rules whose decisions are taken; requests are decided by the first.
        flow_run: Id of the deployed flow run that may let go of its process; None polls.
        asked: Requests that the run let go of its process for, by round: the round's own, then its
            follow-ups.
        past: Rounds of asking that are over.
    """

    run_id: str
    params: PipelineParams
    dataset: DatasetRef
    workplace: Workplace
    listener: ReviewListener
    policies: tuple[Policy, ...] = field(default_factory=lambda: (single_policy(),))
    flow_run: str | None = None
    asked: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    past: tuple[Round, ...] = ()

    @property
    def round(self) -> int:
        """The round of asking that the run is in, from 1."""
        return len(self.past) + 1

    def asked_before(self, follow_up: int) -> str | None:
        """Return what an earlier process of the run asked in this round.

        Args:
            follow_up: Which follow-up; 0 for the round's own request.
        """
        requests = self.asked.get(self.round, ())
        return requests[follow_up] if follow_up < len(requests) else None

    @property
    def went_on(self) -> bool:
        """Tell whether an earlier process of the run asked in the round after this one."""
        return self.round + 1 in self.asked

    def open_requests(self) -> tuple[str, ...]:
        """Return the requests of earlier rounds whose decisions no round has taken up."""
        taken = {request for round_ in self.past for request in round_.taken}
        return tuple(one.request_id for one in self.past if one.request_id not in taken)

    def after(self, round_: Round) -> "RunContext":
        """Return the run in its next round."""
        return replace(self, past=(*self.past, round_))
