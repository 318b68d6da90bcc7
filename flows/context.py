"""What every step of one run may know."""

from collections.abc import Callable
from dataclasses import dataclass, field

from feedback.bundle import ReviewBundle
from feedback.policy import Policy, single_policy
from flows.params import PipelineParams
from tasks.dataset.reference import DatasetRef
from tasks.workplace import Workplace


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
        asked: Request that the run let go of its process for, if it did.
    """

    run_id: str
    params: PipelineParams
    dataset: DatasetRef
    workplace: Workplace
    listener: ReviewListener
    policies: tuple[Policy, ...] = field(default_factory=lambda: (single_policy(),))
    flow_run: str | None = None
    asked: str | None = None
