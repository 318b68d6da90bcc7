"""What every step of one run may know."""

from dataclasses import dataclass

from flows.params import PipelineParams
from tasks.dataset.reference import DatasetRef
from tasks.workplace import Workplace


@dataclass(frozen=True)
class RunContext:
    """One run: its parameters, its dataset and the place where it works.

    Attributes:
        run_id: Short unique name of the run, used in reports and tracking.
        params: All parameters.
        dataset: The dataset, already checked.
        workplace: Stores, folders and listeners.
    """

    run_id: str
    params: PipelineParams
    dataset: DatasetRef
    workplace: Workplace
