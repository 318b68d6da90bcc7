"""Stage: the arms compared on the test images, the promotion rule's verdict, the figures."""

from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from models.params import PromotionParams
from tasks.channels.concept_graph.basis import Basis
from tasks.classifier import load_split
from tasks.stage import StageResult, Work, stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from models.paired import PairedDifference
    from models.reliability_figure import ReliabilityView
    from models.report import Arm

ARMS = ("original", "unmodified_graph", "edited_graph")
VERSIONS: "tuple[Arm, ...]" = ("original", "edited_graph")
"""The arms that become registered versions."""
PAIRS = (
    ("edited_graph", "original"),
    ("edited_graph", "unmodified_graph"),
    ("unmodified_graph", "original"),
)


@task(name="compare-arms", cache_policy=NO_CACHE)
@stage("compare_arms", version=1)
def compare_arms(
    work: Work,
    *,
    basis: Basis,
    students: dict[str, list[StageResult]],
    params: PromotionParams,
    seed: int,
) -> dict[str, JsonValue]:
    """Compare original and students on the test images, image by image.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        students: One result of ``distil`` per seed, by arm.
        params: Promotion rule and intervals.
        seed: Seed of the bootstrap.

    Returns:
        ``arms``, ``paired``, ``decision``, ``metrics`` and ``per_class``; one output per figure.
    """
    import numpy as np

    from models.metrics import negative_log_likelihood, per_class_accuracy
    from models.paired import paired_bootstrap
    from models.promotion import decide_promotion

    labels = load_split(work, basis.dataset, "test", basis.training).labels
    logits = {"original": [work.load_tensors(basis.predictions, "logits")["test"]]}
    for arm, results in students.items():
        logits[arm] = [work.load_tensors(result, "test_logits")["logits"] for result in results]
    edited = basis.class_ids
    others = tuple(c for c in range(len(basis.dataset.classes)) if c not in edited)
    groups = {"edited_classes": edited, "other_classes": others, "all": (*edited, *others)}
    y = labels.numpy()
    correct: dict[str, NDArray[np.bool_]] = {
        arm: np.stack([(one.argmax(dim=1) == labels).numpy() for one in found])
        for arm, found in logits.items()
    }
    never = np.zeros((1, len(y)), dtype=np.bool_)

    def differ(arm: str, against: str | None, group: str) -> "PairedDifference":
        # Against a network that is never right the difference is the accuracy itself, with its
        # interval.
        return paired_bootstrap(
            candidate=correct[arm],
            reference=never if against is None else correct[against],
            labels=y,
            class_ids=groups[group],
            confidence=params.confidence,
            n_bootstrap=params.n_bootstrap,
            seed=seed,
        )

    arms = {
        arm: {group: differ(arm, None, group) for group in groups if groups[group]} for arm in ARMS
    }
    paired = {
        (arm, against, group): differ(arm, against, group)
        for arm, against in PAIRS
        for group in groups
        if groups[group]
    }
    work.progress(1, 2, "paired differences")
    verdict = decide_promotion(
        paired["edited_graph", "original", "edited_classes"],
        paired.get(("edited_graph", "original", "other_classes")),
        paired["edited_graph", "unmodified_graph", "edited_classes"],
        params,
    )
    metrics: dict[str, JsonValue] = {}
    for arm in ARMS:
        metrics[f"{arm}.nll"] = float(
            np.mean([float(negative_log_likelihood(one, labels)) for one in logits[arm]])
        )
        metrics[f"{arm}.ece"] = float(np.mean([_calibration(one, labels) for one in logits[arm]]))
    per_class: dict[str, JsonValue] = {
        arm: {
            name: float(value)
            for name, value in zip(
                basis.dataset.classes,
                np.mean(
                    [np.asarray(per_class_accuracy(one, labels)) for one in logits[arm]], axis=0
                ),
                strict=True,
            )
        }
        for arm in ARMS
    }
    for name, png in _figures(basis, labels, logits, arms).items():
        work.save_png(name, png)
    work.progress(2, 2, "figures")
    return {
        "arms": {
            arm: {
                group: dict(found[group].to_dict()) if group in found else None for group in groups
            }
            for arm, found in arms.items()
        },
        "paired": [
            {"arm": arm, "against": against, "group": group, **found.to_dict()}
            for (arm, against, group), found in paired.items()
        ],
        "promote": verdict.promote,
        "reasons": list(verdict.reasons),
        "metrics": metrics,
        "per_class": per_class,
    }


def _calibration(logits: "Tensor", labels: "Tensor") -> float:
    from models.calibration import expected_calibration_error

    return float(expected_calibration_error(logits.softmax(dim=1), labels))


def _figures(
    basis: Basis,
    labels: "Tensor",
    logits: "dict[str, list[Tensor]]",
    arms: "dict[str, dict[str, PairedDifference]]",
) -> dict[str, bytes]:
    from models.comparison_figure import ArmView, Interval, comparison_figure
    from models.confusion_figure import ConfusionView, confusion_figure
    from models.figure_style import figure_png
    from models.reliability_figure import reliability_figure
    from models.report import ARM_NAMES, GROUP_NAMES

    views = []
    for each, name in ARM_NAMES.items():
        groups = {
            title: Interval(score.mean, max(0.0, score.low), min(1.0, score.high))
            for group, title in GROUP_NAMES.items()
            if (score := arms[each].get(group)) is not None
        }
        views.append(ArmView(name, groups))
    confusions = {
        arm: ConfusionView(
            ARM_NAMES[arm], basis.class_names, _confusion(basis, labels, logits[arm][0])
        )
        for arm in VERSIONS
    }
    calibrations = {arm: _reliability(ARM_NAMES[arm], labels, logits[arm][0]) for arm in VERSIONS}
    figures = {
        "comparison": figure_png(comparison_figure(views)),
        "confusion": figure_png(confusion_figure([*confusions.values()])),
        "calibration": figure_png(reliability_figure([*calibrations.values()])),
    }
    # Each version's own panel too: MLflow sets the two side by side.
    for arm in VERSIONS:
        figures[f"confusion_{arm}"] = figure_png(confusion_figure([confusions[arm]]))
        figures[f"calibration_{arm}"] = figure_png(reliability_figure([calibrations[arm]]))
    return figures


def _confusion(basis: Basis, labels: "Tensor", logits: "Tensor") -> "NDArray[np.int64]":
    """Count predictions (n, n + 1) among the edited classes, the last column for all others."""
    import torch

    ids = torch.tensor(basis.class_ids)
    predicted = logits.argmax(dim=1)
    counts = torch.zeros(len(ids), len(ids) + 1, dtype=torch.int64)
    for row, true in enumerate(basis.class_ids):
        answers = predicted[labels == true]
        for column, answer in enumerate(basis.class_ids):
            counts[row, column] = (answers == answer).sum()
        counts[row, -1] = len(answers) - counts[row, :-1].sum()
    return counts.numpy()


def _reliability(
    name: str, labels: "Tensor", logits: "Tensor", n_bins: int = 15
) -> "ReliabilityView":
    import numpy as np

    from models.reliability_figure import ReliabilityView

    confidence, predicted = logits.softmax(dim=1).max(dim=1)
    right = (predicted == labels).numpy()
    values = confidence.numpy()
    place = np.clip(np.ceil(values * n_bins).astype(int) - 1, 0, n_bins - 1)
    counts = np.bincount(place, minlength=n_bins)
    with np.errstate(invalid="ignore"):
        means = np.bincount(place, values, n_bins) / counts
        hits = np.bincount(place, right, n_bins) / counts
    return ReliabilityView(name, means, hits, counts, _calibration(logits, labels))
