"""The channel's part of a run's report, and its records for tracking."""

from collections.abc import Mapping

from pydantic import JsonValue

from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.evaluating import VERSIONS
from tasks.channels.concept_graph.exporting import reasoner_companion
from tasks.evaluation import Evaluation
from tasks.records import Figure, Metric, Record, Table
from tasks.stage import StageResult
from tasks.workplace import Workplace


def evaluation_of(
    workplace: Workplace,
    basis: Basis,
    explained: Mapping[str, StageResult],
    corrected: Mapping[str, StageResult],
    compared: StageResult,
    shown: StageResult,
) -> Evaluation:
    """Put together what the comparison found, in the shape that all channels share.

    Args:
        workplace: Holds the figures.
        basis: What was computed before.
        explained: Stages of the explanation.
        corrected: Stages of the correction; the first edited student is the candidate.
        compared: Result of the comparison.
        shown: Pictures of what the edit changed.
    """
    reasons = compared.facts["reasons"]
    reasoner = explained["reasoner"]
    teachers = {
        arm: corrected[f"teacher.{arm}"].number("validation_accuracy")
        for arm in ("unmodified_graph", "edited_graph")
    }
    figures = _figures(workplace, explained["explanation"], compared, shown)
    report: dict[str, JsonValue] = {
        "reasoner": {"agreement": reasoner.number("agreement"), "l1": reasoner.number("l1")},
        "edited_classes": list(basis.class_names),
        "edits": corrected["graphs.edited_graph"].facts["described"],
        "arms": _arms(compared),
        "paired": _paired(compared),
    }
    records: list[Record] = [
        Metric("reasoner.agreement", reasoner.number("agreement")),
        Metric("reasoner.l1", reasoner.number("l1")),
        *(Metric(f"teacher.{arm}.validation_accuracy", value) for arm, value in teachers.items()),
        *_metrics(compared),
        *figures["run"],
        Table("per_class_accuracy", _per_class(compared)),
    ]
    return Evaluation(
        candidate=corrected["student.edited_graph.0"],
        promote=compared.facts["promote"] is True,
        reasons=tuple(str(reason) for reason in reasons) if isinstance(reasons, list) else (),
        report=report,
        records=tuple(records),
        companions=(
            reasoner_companion(
                workplace,
                reasoner,
                "reasoner",
                "imitates the original",
                (Metric("agreement", reasoner.number("agreement")), *figures["original"]),
            ),
            reasoner_companion(
                workplace,
                corrected["teacher.edited_graph"],
                "edited-reasoner",
                "teaches the edited graphs",
                (Metric("agreement", shown.number("agreement")), *figures["edited_graph"]),
            ),
        ),
        original_records=(*_version_records(compared, "original"), *figures["original"]),
        candidate_records=(
            *_version_records(compared, "edited_graph"),
            *figures["edited_graph"],
        ),
        correction="edited graphs",
    )


def _figures(
    workplace: Workplace, explanation: StageResult, compared: StageResult, shown: StageResult
) -> dict[str, tuple[Figure, ...]]:
    """Return the figures of the run and of both versions, under the same names.

    Each version shows its own side of the story; the run, and the pictures that are about both,
    show the two together.
    """
    found = {
        f"{stage}.{name}": ref
        for stage, result in (("explained", explanation), ("compared", compared), ("shown", shown))
        for name, ref in result.outputs.items()
    }
    example = shown.facts["example"]
    sources: dict[str, str | dict[str, str]] = {
        "calibration": "compared.calibration{arm}",
        "class_graphs": {
            "run": "explained.figures/class_graphs.png",
            "original": "explained.figures/class_graphs.png",
            "edited_graph": "shown.graphs_after",
        },
        "class_graphs_before_and_after": "shown.graphs",
        "comparison": "compared.comparison",
        "confusion": "compared.confusion{arm}",
        "contribution": {
            "run": "shown.contribution",
            "original": f"explained.{example}",
            "edited_graph": "shown.contribution_after",
        },
    }
    figures: dict[str, tuple[Figure, ...]] = {}
    for whose in ("run", *VERSIONS):
        arm = "" if whose == "run" else f"_{whose}"
        places = {
            name: source.format(arm=arm) if isinstance(source, str) else source[whose]
            for name, source in sources.items()
        }
        figures[whose] = tuple(
            Figure(name, workplace.artifacts.load_bytes(found[place]))
            for name, place in places.items()
            # Without a validation image there is no example to explain.
            if place in found
        )
    return figures


def _arms(compared: StageResult) -> JsonValue:
    arms = compared.facts["arms"]
    result: dict[str, JsonValue] = {}
    for arm, groups in arms.items() if isinstance(arms, dict) else ():
        scores: dict[str, JsonValue] = {}
        for group, found in groups.items() if isinstance(groups, dict) else ():
            scores[group] = (
                {
                    "accuracy": found["mean"],
                    "low": max(0.0, float(str(found["low"]))),
                    "high": min(1.0, float(str(found["high"]))),
                }
                if isinstance(found, dict)
                else None
            )
        result[arm] = scores
    return result


def _paired(compared: StageResult) -> JsonValue:
    names = ("arm", "against", "group", "mean", "low", "high", "p_value")
    rows = compared.facts["paired"]
    return [
        {name: row[name] for name in names}
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict)
    ]


def _metrics(compared: StageResult) -> list[Record]:
    records: list[Record] = []
    arms, metrics, per_class = (compared.facts[name] for name in ("arms", "metrics", "per_class"))
    for arm, groups in arms.items() if isinstance(arms, dict) else ():
        for group, found in groups.items() if isinstance(groups, dict) else ():
            if isinstance(found, dict):
                records += [
                    Metric(f"{arm}.{group}.{key}", float(str(found[name])))
                    for key, name in (("accuracy", "mean"), ("low", "low"), ("high", "high"))
                ]
    for name, value in metrics.items() if isinstance(metrics, dict) else ():
        records.append(Metric(name, float(str(value))))
    for arm, classes in per_class.items() if isinstance(per_class, dict) else ():
        for name, value in classes.items() if isinstance(classes, dict) else ():
            records.append(Metric(f"{arm}.class.{name}", float(str(value))))
    return records


def _version_records(compared: StageResult, arm: str) -> tuple[Record, ...]:
    """Return one arm's numbers under names that do not name the arm."""
    return tuple(
        Metric(record.name.removeprefix(f"{arm}."), record.value)
        for record in _metrics(compared)
        if isinstance(record, Metric) and record.name.startswith(f"{arm}.")
    )


def _per_class(compared: StageResult) -> dict[str, list[JsonValue]]:
    per_class = compared.facts["per_class"]
    columns: dict[str, list[JsonValue]] = {}
    for arm, classes in per_class.items() if isinstance(per_class, dict) else ():
        if isinstance(classes, dict):
            columns["class"] = list(classes)
            columns[arm] = list(classes.values())
    return columns
