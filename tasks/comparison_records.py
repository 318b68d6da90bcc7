"""What a comparison found, as a channel's part of a run's report and as records for tracking.

The same names in every channel, so that MLflow sets their runs side by side.
"""

from pydantic import JsonValue

from models.report import GROUP_NAMES
from tasks.records import Metric, Record
from tasks.stage import StageResult


def comparison_report(compared: StageResult) -> dict[str, JsonValue]:
    """Return the arms and their differences as parts of a run's report.

    Args:
        compared: A stage that keeps the facts of ``tasks.comparing``.
    """
    return {
        "arm_titles": compared.facts["titles"],
        "arms": _arms(compared),
        "calibration": _calibration(compared),
        "paired": _paired(compared),
    }


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


def _calibration(compared: StageResult) -> JsonValue:
    """Return what is known of every arm's calibration: a stage of an earlier version knew less."""
    metrics, arms = compared.facts["metrics"], compared.facts["arms"]
    if not isinstance(metrics, dict) or not isinstance(arms, dict):
        return {}
    found = {
        arm: {name: metrics.get(f"{arm}.{name}") for name in ("nll", "ece", "brier")}
        for arm in arms
    }
    return {arm: {**scores} for arm, scores in found.items() if None not in scores.values()}


def _paired(compared: StageResult) -> JsonValue:
    names = ("arm", "against", "group", "mean", "low", "high", "p_value")
    rows = compared.facts["paired"]
    return [
        {name: row[name] for name in names}
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict)
    ]


def comparison_metrics(compared: StageResult) -> list[Record]:
    """Return accuracies, losses and calibration of every arm, all and by class."""
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


def version_metrics(compared: StageResult, arm: str) -> tuple[Record, ...]:
    """Return the numbers of the network of an arm that is registered, as it is.

    What the decision rests on, the arm's accuracy over all seeds with its interval, stands beside
    them as ``over_seeds``.

    Args:
        compared: A stage that keeps the facts of ``tasks.comparing``.
        arm: Key of the arm.
    """
    known = compared.facts.get("versions")
    own = known.get(arm) if isinstance(known, dict) else None
    # A run that goes on may rest on a stage of an earlier version, which did not ask this.
    alone = own if isinstance(own, dict) else {}
    records = [Metric(name, float(str(value))) for name, value in alone.items()]
    for record in comparison_metrics(compared):
        group, _, number = record.name.removeprefix(f"{arm}.").partition(".")
        if isinstance(record, Metric) and group in GROUP_NAMES:
            records.append(Metric(f"over_seeds.{group}.{number}", record.value))
    return tuple(records)


def per_class_columns(compared: StageResult) -> dict[str, list[JsonValue]]:
    """Return the accuracy of every class by arm, as columns of a table."""
    per_class = compared.facts["per_class"]
    columns: dict[str, list[JsonValue]] = {}
    for arm, classes in per_class.items() if isinstance(per_class, dict) else ():
        if isinstance(classes, dict):
            columns["class"] = list(classes)
            columns[arm] = list(classes.values())
    return columns
