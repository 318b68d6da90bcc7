"""What every channel's evaluation yields: the same shape whatever was corrected and how."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import JsonValue

from tasks.records import Record
from tasks.stage import StageResult

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Companion:
    """A network beside the classifier that a channel made and that is kept with it.

    Attributes:
        role: What it is, appended to the registered model's name.
        digest: sha256 of its weights.
        build: Rebuilds it in evaluation mode, from tensors to one tensor.
        examples: Shape of each input, the batch first.
        outputs: Shape of each output, the batch first.
        subject: What it was made from, in two or three words; part of the name of its run.
        records: Its metrics and figures, under the same names as the classifier's.
    """

    role: str
    digest: str
    build: "Callable[[], nn.Module]"
    examples: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, tuple[int, ...]]
    subject: str = ""
    records: tuple[Record, ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """A corrected network compared with what was there before.

    Attributes:
        candidate: The stage whose outputs ``model`` and ``spec`` are the corrected network.
        promote: The promotion rule's verdict.
        reasons: One sentence per condition of the rule.
        report: The channel's part of the run's report, as JSON.
        records: Metrics, figures and tables for tracking.
        companions: Networks to register beside the classifier.
        original_records: What the original network's version carries, under the same names as
            the candidate's, so that MLflow's compare page sets them side by side.
        candidate_records: What the candidate's version carries.
        correction: What was corrected, in two or three words; part of the name of its run.
        arm: Key of the corrected arm among those that were compared.
    """

    candidate: StageResult
    promote: bool
    reasons: tuple[str, ...]
    report: dict[str, JsonValue]
    records: tuple[Record, ...]
    companions: tuple[Companion, ...] = ()
    original_records: tuple[Record, ...] = ()
    candidate_records: tuple[Record, ...] = ()
    correction: str = "corrected"
    arm: str = "corrected"
