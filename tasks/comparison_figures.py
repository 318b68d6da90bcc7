"""Figures of a comparison, under the same names in every channel."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from models.report import GROUP_NAMES
from tasks.arms import Arms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from models.paired import PairedDifference
    from models.reliability_figure import ReliabilityView


def draw_comparison(
    classes: Sequence[str],
    arms: Arms,
    labels: "Tensor",
    logits: "Mapping[str, Sequence[Tensor]]",
    accuracies: "Mapping[str, Mapping[str, PairedDifference]]",
    confidence: float,
) -> dict[str, bytes]:
    """Draw the arms' accuracies, and confusion and calibration of those that become versions.

    Args:
        classes: Names of all classes.
        arms: What is compared.
        labels: Labels of the test images (B,).
        logits: Logits on them (B, N) by arm, one entry per seed; the first is registered.
        accuracies: Accuracy with interval by arm and group of classes.
        confidence: Of the intervals.

    Returns:
        PNGs by name; ``confusion`` and ``calibration`` once more per version, under its arm.
    """
    from models.comparison_figure import ArmView, Interval, comparison_figure
    from models.confusion_figure import ConfusionView, confusion_figure
    from models.figure_style import figure_png
    from models.reliability_figure import reliability_figure

    drawn = arms.drawn or arms.class_ids
    shown = tuple(classes[class_id] for class_id in drawn)
    titles = dict(arms.titles)
    views = []
    for each, name in arms.titles:
        groups = {
            title: Interval(score.mean, max(0.0, score.low), min(1.0, score.high))
            for group, title in GROUP_NAMES.items()
            if (score := accuracies[each].get(group)) is not None
        }
        views.append(ArmView(name, groups))
    confusions = {
        arm: ConfusionView(titles[arm], shown, _confusion(drawn, labels, logits[arm][0]))
        for arm in arms.versions
    }
    calibrations = {arm: _reliability(titles[arm], labels, logits[arm][0]) for arm in arms.versions}
    figures = {
        "comparison": figure_png(
            comparison_figure(views, note=f"mean over classes · bars: {confidence:.0%} interval")
        ),
        "confusion": figure_png(confusion_figure([*confusions.values()])),
        "calibration": figure_png(reliability_figure([*calibrations.values()])),
    }
    # Each version's own panel too: MLflow sets the two side by side.
    for arm in arms.versions:
        figures[f"confusion_{arm}"] = figure_png(confusion_figure([confusions[arm]]))
        figures[f"calibration_{arm}"] = figure_png(reliability_figure([calibrations[arm]]))
    return figures


def _confusion(
    class_ids: tuple[int, ...], labels: "Tensor", logits: "Tensor"
) -> "NDArray[np.int64]":
    """Count predictions (n, n + 1) among the corrected classes, the last column for all others."""
    import torch

    ids = torch.tensor(class_ids)
    predicted = logits.argmax(dim=1)
    counts = torch.zeros(len(ids), len(ids) + 1, dtype=torch.int64)
    for row, true in enumerate(class_ids):
        answers = predicted[labels == true]
        for column, answer in enumerate(class_ids):
            counts[row, column] = (answers == answer).sum()
        counts[row, -1] = len(answers) - counts[row, :-1].sum()
    return counts.numpy()


def _reliability(
    name: str, labels: "Tensor", logits: "Tensor", n_bins: int = 15
) -> "ReliabilityView":
    import numpy as np

    from models.calibration import expected_calibration_error
    from models.reliability_figure import ReliabilityView

    error = float(expected_calibration_error(logits.softmax(dim=1), labels))
    confidence, predicted = logits.softmax(dim=1).max(dim=1)
    right = (predicted == labels).numpy()
    values = confidence.numpy()
    place = np.clip(np.ceil(values * n_bins).astype(int) - 1, 0, n_bins - 1)
    counts = np.bincount(place, minlength=n_bins)
    with np.errstate(invalid="ignore"):
        means = np.bincount(place, values, n_bins) / counts
        hits = np.bincount(place, right, n_bins) / counts
    return ReliabilityView(name, means, hits, counts, error)
