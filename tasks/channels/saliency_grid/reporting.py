"""The channel's part of a run's report, and its records for tracking."""

from pydantic import JsonValue

from tasks.channels.saliency_grid.queueing import TABLES
from tasks.comparison_records import (
    comparison_metrics,
    comparison_report,
    per_class_columns,
    version_metrics,
)
from tasks.evaluation import Evaluation
from tasks.records import Figure, Metric, Record, Table, Text
from tasks.stage import StageResult
from tasks.workplace import Workplace

FIGURES = ("calibration", "comparison", "confusion")


def evaluation_of(
    workplace: Workplace,
    *,
    candidate: StageResult,
    carried: StageResult,
    bank: StageResult,
    compared: StageResult,
    looked: StageResult,
) -> Evaluation:
    """Put together what the comparison found, in the shape that all channels share.

    Args:
        workplace: Holds the figures.
        candidate: The network that learned with the marks; its lambda is told.
        carried: What was taken up of earlier reviews.
        bank: All marks.
        compared: Result of the comparison.
        looked: Where both networks look on the marked images.
    """
    reasons, classes = compared.facts["reasons"], compared.facts["classes"]
    left_out = ("gone", "relabelled", "reshaped")
    # A run that goes on may rest on a stage of an earlier version, which counted less.
    earlier = {f"carried_{name}": carried.facts.get(name, 0) for name in left_out}
    found = {"lambda": candidate.facts.get("strength")}
    measured = {
        name: float(value)
        for name, value in (bank.facts | earlier | looked.facts | found).items()
        if isinstance(value, int | float)
    }
    records: list[Record] = [
        *comparison_metrics(compared),
        *(Metric(f"marks.{name}", value) for name, value in measured.items()),
        *_figures(workplace, compared, looked, ""),
        Table("per_class_accuracy", per_class_columns(compared)),
        *(Text(file, workplace.artifacts.load_text(bank.outputs[file])) for file in TABLES),
    ]
    return Evaluation(
        candidate=candidate,
        promote=compared.facts["promote"] is True,
        reasons=tuple(str(reason) for reason in reasons) if isinstance(reasons, list) else (),
        report={
            "edited_classes": classes,
            "edits": described_marks(workplace, bank),
            "measured": dict(measured),
            **comparison_report(compared),
        },
        records=tuple(records),
        original_records=(
            *version_metrics(compared, "original"),
            *_figures(workplace, compared, looked, "_original"),
        ),
        candidate_records=(
            *version_metrics(compared, "marked_squares"),
            *_figures(workplace, compared, looked, "_marked_squares"),
        ),
        correction="marked squares",
        arm="marked_squares",
    )


def described_marks(workplace: Workplace, bank: StageResult) -> list[JsonValue]:
    """List what reviewers marked, one entry per image.

    Args:
        workplace: Holds the bank.
        bank: All marks.
    """
    rows: list[JsonValue] = []
    carried = {
        entry["image"]: entry["review"]
        for entry in workplace.artifacts.load_list(bank.outputs["carried"])
        if isinstance(entry, dict)
    }
    for mark in workplace.artifacts.load_list(bank.outputs["marks"]):
        if not isinstance(mark, dict):
            continue
        name, weights = str(mark["name"]), mark["weights"]
        cells = [
            f"row {r + 1} column {c + 1}{' (important)' if float(str(weight)) < 0 else ''}"
            for r, row in enumerate(weights if isinstance(weights, list) else [])
            for c, weight in enumerate(row if isinstance(row, list) else [])
            if weight
        ]
        rows.append(
            {
                "class_name": name.split("/")[-2] if "/" in name else "",
                "op": "mark_cells",
                "change": f"{name}: {', '.join(cells)}{_source(carried.get(mark['image']))}",
            }
        )
    return rows


def _source(review: JsonValue) -> str:
    return f"; carried over from review {review}" if review else ""


def _figures(
    workplace: Workplace, compared: StageResult, looked: StageResult, whose: str
) -> list[Figure]:
    """Return figures under the names that they have in every channel and run."""
    found = [
        Figure(name, workplace.artifacts.load_bytes(compared.outputs[f"{name}{whose}"]))
        if name != "comparison"
        else Figure(name, workplace.artifacts.load_bytes(compared.outputs[name]))
        for name in FIGURES
    ]
    if "looking" in looked.outputs:
        found.append(Figure("looking", workplace.artifacts.load_bytes(looked.outputs["looking"])))
    return found
