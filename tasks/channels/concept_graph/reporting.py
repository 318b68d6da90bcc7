"""The channel's part of a run's report, and its records for tracking."""

from collections.abc import Mapping

from pydantic import JsonValue

from tasks.channels.concept_graph.basis import Basis
from tasks.channels.concept_graph.exporting import reasoner_companion
from tasks.comparison_records import (
    comparison_metrics,
    comparison_report,
    per_class_columns,
    version_metrics,
)
from tasks.evaluation import Evaluation
from tasks.records import Figure, Metric, Record, Table
from tasks.stage import StageResult
from tasks.workplace import Workplace

_TEACHERS = {
    "classifier": "classifier, among the edited classes",
    "unmodified_graph": "reasoner, unmodified graphs",
    "edited_graph": "reasoner, edited graphs",
}


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
    teachers = teachers_of(corrected)
    figures = _figures(workplace, explained["explanation"], compared, shown)
    report: dict[str, JsonValue] = {
        "reasoner": {"agreement": reasoner.number("agreement"), "l1": reasoner.number("l1")},
        "edited_classes": list(basis.class_names),
        "edits": corrected["graphs.edited_graph"].facts["described"],
        **describe_teachers(corrected),
        **comparison_report(compared),
    }
    records: list[Record] = [
        Metric("reasoner.agreement", reasoner.number("agreement")),
        Metric("reasoner.l1", reasoner.number("l1")),
        *(Metric(f"teacher.{arm}.validation_accuracy", value) for arm, value in teachers.items()),
        Metric(
            "teacher.edited_minus_unmodified.validation_accuracy",
            teachers["edited_graph"] - teachers["unmodified_graph"],
        ),
        *comparison_metrics(compared),
        *figures["run"],
        Table("per_class_accuracy", per_class_columns(compared)),
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
        original_records=(*version_metrics(compared, "original"), *figures["original"]),
        candidate_records=(
            *version_metrics(compared, "edited_graph"),
            *figures["edited_graph"],
        ),
        correction="edited graphs",
        arm="edited_graph",
    )


def teachers_of(corrected: Mapping[str, StageResult]) -> dict[str, float]:
    """Return the accuracy on validation images of both teachers, and of the classifier beside them.

    Args:
        corrected: Stages of the correction.
    """
    # A run that goes on may rest on a stage of an earlier version, which did not ask this.
    classifier = corrected["teacher.edited_graph"].facts.get("classifier_validation_accuracy")
    asked = {"classifier": float(classifier)} if isinstance(classifier, int | float) else {}
    return asked | {
        arm: corrected[f"teacher.{arm}"].number("validation_accuracy")
        for arm in ("unmodified_graph", "edited_graph")
    }


def describe_teachers(corrected: Mapping[str, StageResult]) -> dict[str, JsonValue]:
    """Return the teachers as part of a run's report, with a warning where the edit does not help.

    Validation images come from the training images and carry the same shortcut, so this only warns:
    docs/decisions/0010.

    Args:
        corrected: Stages of the correction.
    """
    images = corrected["teacher.edited_graph"].facts["validation_images"]
    accuracies = teachers_of(corrected)
    warnings: list[JsonValue] = []
    unmodified, edited = (accuracies[arm] for arm in ("unmodified_graph", "edited_graph"))
    if corrected["graphs.edited_graph"].number("edits") and edited <= unmodified:
        warnings.append(
            f"the reasoner of the edited graphs is no better than that of the unmodified ones on "
            f"{images} validation images ({edited:.1%} against {unmodified:.1%}); these images are "
            "like the training images, a shortcut in them included, so look at the test images "
            "before you doubt the edit"
        )
    return {
        "teachers": [
            {"title": _TEACHERS[name], "accuracy": accuracy, "images": images}
            for name, accuracy in accuracies.items()
        ],
        "warnings": warnings,
    }


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
    for whose in ("run", "original", "edited_graph"):
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
