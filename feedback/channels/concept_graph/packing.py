"""The evidence of concept graphs as the parts of a bundle, and back."""

from collections.abc import Mapping

from feedback.bundle import ReviewBundle, ReviewItem
from feedback.channels.concept_graph.evidence import GraphEvidence
from feedback.fields import JsonObject
from feedback.packing import join_items, split_items


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
    return split_items(
        evidence, "classes", key="class_name", title="class_name", priorities=priorities
    )


def read_evidence(bundle: ReviewBundle) -> GraphEvidence:
    """Join the evidence of a bundle of this channel.

    Args:
        bundle: A request.

    Returns:
        What was given to ``pack_evidence``.

    Raises:
        ValidationError: If the bundle does not follow the channel's schema.
    """
    return GraphEvidence.model_validate(join_items(bundle, "classes"))
