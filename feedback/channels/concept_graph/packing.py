"""The evidence of concept graphs as the parts of a bundle, and back."""

from collections.abc import Mapping

from feedback.bundle import ReviewBundle, ReviewItem
from feedback.channels.concept_graph.evidence import GraphEvidence
from feedback.fields import JsonObject


def pack_evidence(
    evidence: GraphEvidence, priorities: Mapping[str, float]
) -> tuple[JsonObject, tuple[ReviewItem, ...]]:
    """Split the evidence into what is shown of the whole request and one item per class.

    Args:
        evidence: What is shown.
        priorities: Expected gain of an answer on each class; a class without one gets 0.

    Returns:
        ``evidence`` and ``items`` of the bundle.
    """
    dumped = evidence.model_dump(mode="json")
    classes = dumped.pop("classes")
    items = [
        ReviewItem(
            id=shown["class_name"],
            priority=priorities.get(shown["class_name"], 0.0),
            title=shown["class_name"],
            evidence=shown,
        )
        for shown in classes
    ]
    return dumped, tuple(items)


def read_evidence(bundle: ReviewBundle) -> GraphEvidence:
    """Join the evidence of a bundle of this channel.

    Args:
        bundle: A request.

    Returns:
        What was given to ``pack_evidence``.

    Raises:
        ValidationError: If the bundle does not follow the channel's schema.
    """
    return GraphEvidence.model_validate(
        {**bundle.evidence, "classes": [item.evidence for item in bundle.items]}
    )
