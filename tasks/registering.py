"""Registering what a run made."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.params import TrainingParams
from tasks.classifier import load_model
from tasks.dataset.reference import DatasetRef
from tasks.evaluation import Companion
from tasks.records import Record
from tasks.registry import register_version
from tasks.stage import StageResult
from tasks.tracking import Tracker
from tasks.version_pages import VersionRef
from tasks.workplace import Workplace

if TYPE_CHECKING:
    from torch import nn


@task(name="register-model", cache_policy=NO_CACHE)
def register_model(
    workplace: Workplace,
    tracker: Tracker,
    *,
    network: StageResult,
    dataset: DatasetRef,
    training: TrainingParams,
    name: str,
    tags: Mapping[str, str],
    records: Sequence[Record] = (),
    role: str = "",
    subject: str = "",
) -> VersionRef:
    """Register a classifier, once per weights.

    Args:
        workplace: Holds the weights.
        tracker: The run that registers.
        network: Stage with outputs ``model`` and ``spec``.
        dataset: What it was trained on.
        training: How its images are made from files, which whoever uses it must do as well.
        name: Registered name.
        tags: Facts about the version.
        records: Its metrics and figures.
        role: First word of the name of its run, e.g. ``candidate``.
        subject: What that name says of the network, e.g. ``edited graphs``.

    Returns:
        The new version, or the one that holds the same weights already.
    """
    weights, spec = network.outputs["model"], network.outputs["spec"]
    side = training.image_size
    return register_version(
        tracker,
        lambda: logits_only(load_model(workplace.artifacts, weights, spec)),
        name=name,
        digest=weights.sha256,
        examples={"images": (2, 3, side, side)},
        outputs={"logits": (2, len(dataset.classes))},
        tags={"dvc.md5": dataset.md5, **tags},
        records=records,
        metadata={"classes": list(dataset.classes), "image_size": side, "resize": training.resize},
        role=role,
        subject=subject,
    )


@task(name="register-companions", cache_policy=NO_CACHE)
def register_companions(
    tracker: Tracker, companions: Sequence[Companion], *, name: str, tags: Mapping[str, str]
) -> list[VersionRef]:
    """Register the networks that a channel made beside the classifier, once per weights.

    Args:
        tracker: The run that registers.
        companions: The networks.
        name: Registered name of the classifier; a companion's is ``<name>-<role>``.
        tags: Facts about the versions.

    Returns:
        One version per companion.
    """
    return [
        register_version(
            tracker,
            companion.build,
            name=f"{name}-{companion.role}",
            digest=companion.digest,
            examples=companion.examples,
            outputs=companion.outputs,
            tags=tags,
            records=companion.records,
            role=companion.role,
            subject=companion.subject,
        )
        for companion in companions
    ]


def logits_only(model: "nn.Module") -> "nn.Module":
    """Wrap a classifier so that it maps images in [0, 1] to logits alone."""
    from torch import Tensor, nn

    class Logits(nn.Module):
        """A classifier without its intermediate values."""

        def __init__(self, classifier: nn.Module) -> None:
            super().__init__()
            self.classifier = classifier

        def forward(self, images: Tensor) -> Tensor:
            logits: Tensor = self.classifier(images).logits
            return logits

    return Logits(model).eval()
