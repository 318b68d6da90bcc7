"""The request that any channel's evidence becomes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from feedback.bundle import (
    DatasetVersion,
    ModelVersion,
    ReviewBundle,
    ReviewItem,
    build_bundle,
)
from feedback.fields import JsonObject
from tasks.dataset.reference import DatasetRef


def freeze_request(
    *,
    channel: str,
    model: ModelVersion,
    dataset: DatasetRef,
    evidence: JsonObject,
    items: Sequence[ReviewItem],
    files: Mapping[str, bytes],
    run: str,
    round: int = 1,
) -> ReviewBundle:
    """Make the manifest of a request; its deadline is set as it is published.

    Args:
        channel: Whose evidence it is.
        model: The model that is reviewed.
        dataset: What the evidence was made from.
        evidence: What is shown of the whole request.
        items: What is shown of each thing to look at.
        files: Pictures by name.
        run: Run that asks.
        round: How often it has asked, from 1.
    """
    return build_bundle(
        channel=channel,
        model=model,
        dataset=DatasetVersion(
            md5=dataset.md5,
            classes=dataset.classes,
            n_train=dataset.n_train,
            n_test=dataset.n_test,
            n_pool=dataset.n_pool,
        ),
        items=tuple(items),
        evidence=evidence,
        files=files,
        created_at=datetime.now(UTC),
        run=run,
        round=round,
    )
