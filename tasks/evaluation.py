"""What every channel's evaluation yields: the same shape whatever was corrected and how."""

from dataclasses import dataclass

from pydantic import JsonValue

from tasks.records import Record
from tasks.stage import StageResult


@dataclass(frozen=True)
class Evaluation:
    """A corrected network compared with what was there before.

    Attributes:
        candidate: The stage whose outputs ``model`` and ``spec`` are the corrected network.
        promote: The promotion rule's verdict.
        reasons: One sentence per condition of the rule.
        report: The channel's part of the run's report, as JSON.
        records: Metrics, figures and tables for tracking.
    """

    candidate: StageResult
    promote: bool
    reasons: tuple[str, ...]
    report: dict[str, JsonValue]
    records: tuple[Record, ...]
