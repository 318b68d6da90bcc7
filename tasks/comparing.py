"""Arms compared on the test images, the same way whatever was corrected and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, JsonValue

from models.params import PromotionParams
from models.report import GROUP_NAMES
from tasks.classifier import load_split
from tasks.dataset.reference import DatasetRef
from tasks.stage import Work

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from models.paired import PairedDifference
    from models.params import TrainingParams
    from models.reliability_figure import ReliabilityView


class Arms(BaseModel):
    """What a channel compares.

    Attributes:
        titles: What people call each arm, by its key: the original first, the candidate last.
        class_ids: Classes that were corrected; the others are guarded.
        drawn: Classes whose confusion is drawn; none draws the corrected ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    titles: tuple[tuple[str, str], ...]
    class_ids: tuple[int, ...]
    drawn: tuple[int, ...] = ()

    @property
    def original(self) -> str:
        """Key of the arm before the correction."""
        return self.titles[0][0]

    @property
    def candidate(self) -> str:
        """Key of the corrected arm."""
        return self.titles[-1][0]

    @property
    def versions(self) -> tuple[str, str]:
        """Keys of the arms that become registered versions."""
        return self.original, self.candidate

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return what is compared: the candidate with all others, all with the original."""
        keys = [key for key, _ in self.titles]
        return (
            *((self.candidate, key) for key in keys[:-1]),
            *((key, self.original) for key in keys[1:-1]),
        )


@dataclass(frozen=True)
class Compared:
    """What a comparison found.

    Attributes:
        accuracies: Accuracy with interval by arm and group; groups without classes are left out.
        differences: Paired differences by arm, arm that is subtracted, and group.
        losses: Paired differences of the negative log-likelihood over all classes, by arm and arm
            that is subtracted; below 0 where the first is better.
        facts: The same and losses, calibration and classes, as JSON for a stage's record.
    """

    accuracies: "Mapping[str, Mapping[str, PairedDifference]]"
    differences: "Mapping[tuple[str, str, str], PairedDifference]"
    losses: "Mapping[tuple[str, str], PairedDifference]"
    facts: dict[str, JsonValue]


def compare(
    work: Work,
    *,
    dataset: DatasetRef,
    training: "TrainingParams",
    arms: Arms,
    logits: "Mapping[str, Sequence[Tensor]]",
    params: PromotionParams,
    seed: int,
) -> Compared:
    """Compare networks on the test images, image by image, and draw the figures.

    Args:
        work: What the stage may touch; gets one output per figure.
        dataset: The images.
        training: Image size and shape.
        arms: What is compared.
        logits: Logits on the test images (B, N) by arm, one entry per seed.
        params: Intervals.
        seed: Seed of the bootstrap.
    """
    import numpy as np

    from models.calibration import brier_score
    from models.metrics import negative_log_likelihood, per_class_accuracy
    from models.paired import paired_bootstrap

    labels = load_split(work, dataset, "test", training).labels
    focus = arms.class_ids
    others = tuple(c for c in range(len(dataset.classes)) if c not in focus)
    groups = {"edited_classes": focus, "other_classes": others, "all": (*focus, *others)}
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

    present = [group for group in groups if groups[group]]
    keys = [key for key, _ in arms.titles]
    accuracies = {arm: {group: differ(arm, None, group) for group in present} for arm in keys}
    differences = {
        (arm, against, group): differ(arm, against, group)
        for arm, against in arms.pairs()
        for group in present
    }
    nll = {arm: np.stack([_losses(one, labels) for one in found]) for arm, found in logits.items()}
    losses = {
        (arm, against): paired_bootstrap(
            candidate=nll[arm],
            reference=nll[against],
            labels=y,
            class_ids=groups["all"],
            confidence=params.confidence,
            n_bootstrap=params.n_bootstrap,
            seed=seed,
        )
        for arm, against in arms.pairs()
    }
    work.progress(1, 2, "paired differences")
    metrics: dict[str, JsonValue] = {}
    per_class: dict[str, JsonValue] = {}
    for arm in keys:
        metrics[f"{arm}.nll"] = float(
            np.mean([float(negative_log_likelihood(one, labels)) for one in logits[arm]])
        )
        metrics[f"{arm}.ece"] = float(np.mean([_calibration(one, labels) for one in logits[arm]]))
        metrics[f"{arm}.brier"] = float(
            np.mean([brier_score(one.softmax(dim=1), labels) for one in logits[arm]])
        )
        means = np.mean(
            [np.asarray(per_class_accuracy(one, labels)) for one in logits[arm]], axis=0
        )
        per_class[arm] = dict(zip(dataset.classes, map(float, means), strict=True))
    for name, png in _figures(dataset, arms, labels, logits, accuracies, params.confidence).items():
        work.save_png(name, png)
    work.progress(2, 2, "figures")
    facts: dict[str, JsonValue] = {
        "titles": [{"arm": key, "title": title} for key, title in arms.titles],
        "arms": {
            arm: {
                group: dict(found[group].to_dict()) if group in found else None for group in groups
            }
            for arm, found in accuracies.items()
        },
        "paired": [
            {"arm": arm, "against": against, "group": group, **found.to_dict()}
            for (arm, against, group), found in differences.items()
        ],
        "paired_losses": [
            {"arm": arm, "against": against, **found.to_dict()}
            for (arm, against), found in losses.items()
        ],
        "metrics": metrics,
        "per_class": per_class,
        "versions": {
            arm: _alone(logits[arm][0], labels, dataset.classes, groups) for arm in arms.versions
        },
    }
    return Compared(accuracies, differences, losses, facts)


def _alone(
    logits: "Tensor", labels: "Tensor", classes: Sequence[str], groups: Mapping[str, Sequence[int]]
) -> dict[str, JsonValue]:
    """Measure the one network of an arm that is registered; an arm's numbers are over all seeds."""
    import numpy as np

    from models.calibration import brier_score
    from models.metrics import negative_log_likelihood, per_class_accuracy

    by_class = np.asarray(per_class_accuracy(logits, labels), dtype=np.float64)
    found: dict[str, JsonValue] = {
        f"{group}.accuracy": float(by_class[list(ids)].mean())
        for group, ids in groups.items()
        if ids
    }
    found |= {f"class.{name}": float(by_class[at]) for at, name in enumerate(classes)}
    return found | {
        "nll": float(negative_log_likelihood(logits, labels)),
        "ece": _calibration(logits, labels),
        "brier": float(brier_score(logits.softmax(dim=1), labels)),
    }


def _losses(logits: "Tensor", labels: "Tensor") -> "NDArray[np.float64]":
    import torch.nn.functional as F

    losses: NDArray[np.float64] = F.cross_entropy(logits.double(), labels, reduction="none").numpy()
    return losses


def _calibration(logits: "Tensor", labels: "Tensor") -> float:
    from models.calibration import expected_calibration_error

    return float(expected_calibration_error(logits.softmax(dim=1), labels))


def _figures(
    dataset: DatasetRef,
    arms: Arms,
    labels: "Tensor",
    logits: "Mapping[str, Sequence[Tensor]]",
    accuracies: "Mapping[str, Mapping[str, PairedDifference]]",
    confidence: float,
) -> dict[str, bytes]:
    from models.comparison_figure import ArmView, Interval, comparison_figure
    from models.confusion_figure import ConfusionView, confusion_figure
    from models.figure_style import figure_png
    from models.reliability_figure import reliability_figure

    drawn = arms.drawn or arms.class_ids
    shown = tuple(dataset.classes[class_id] for class_id in drawn)
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
