"""Arms compared on the test images, the same way whatever was corrected and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import JsonValue

from models.params import PromotionParams
from tasks.arms import Arms
from tasks.classifier import load_split
from tasks.comparison_figures import draw_comparison
from tasks.dataset.reference import DatasetRef
from tasks.stage import Work

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from models.paired import PairedDifference
    from models.params import TrainingParams


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
    measured = {arm: [_measure(one, labels, focus) for one in logits[arm]] for arm in keys}
    metrics: dict[str, JsonValue] = {
        f"{arm}.{name}": float(np.mean([one.losses[name] for one in measured[arm]]))
        for arm in keys
        for name in ("nll", "ece", "brier")
    }
    per_class: dict[str, JsonValue] = {
        arm: _by_class(dataset, np.mean([one.per_class for one in measured[arm]], axis=0))
        for arm in keys
    }
    drawn = draw_comparison(dataset.classes, arms, labels, logits, accuracies, params.confidence)
    for name, png in drawn.items():
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
        "versions": {arm: _alone(dataset, measured[arm][0], present) for arm in arms.versions},
    }
    return Compared(accuracies, differences, losses, facts)


@dataclass(frozen=True)
class _Measured:
    """What one network is worth on the test images."""

    per_class: "NDArray[np.float64]"
    groups: Mapping[str, float]
    losses: Mapping[str, float]


def _measure(logits: "Tensor", labels: "Tensor", focus: Sequence[int]) -> _Measured:
    from models.calibration import brier_score, expected_calibration_error
    from models.metrics import grouped_accuracy, negative_log_likelihood, per_class_accuracy

    accuracy, probs = per_class_accuracy(logits, labels), logits.softmax(dim=1)
    return _Measured(
        accuracy.numpy(),
        grouped_accuracy(accuracy, focus).to_dict(),
        {
            "nll": float(negative_log_likelihood(logits, labels)),
            "ece": float(expected_calibration_error(probs, labels)),
            "brier": float(brier_score(probs, labels)),
        },
    )


def _by_class(dataset: DatasetRef, accuracy: "NDArray[np.float64]") -> dict[str, JsonValue]:
    return dict(zip(dataset.classes, map(float, accuracy), strict=True))


def _alone(dataset: DatasetRef, measured: _Measured, groups: Sequence[str]) -> dict[str, JsonValue]:
    """Return the numbers of the one network that is registered; an arm's are over all seeds."""
    return {
        **{f"{group}.accuracy": measured.groups[group] for group in groups},
        **{f"class.{name}": one for name, one in _by_class(dataset, measured.per_class).items()},
        **measured.losses,
    }


def _losses(logits: "Tensor", labels: "Tensor") -> "NDArray[np.float64]":
    import torch.nn.functional as F

    losses: NDArray[np.float64] = F.cross_entropy(logits.double(), labels, reduction="none").numpy()
    return losses
