"""The evidence of saliency grids as the parts of a bundle, and back."""

from collections.abc import Mapping

from feedback.bundle import ReviewBundle, ReviewItem
from feedback.channels.saliency_grid.evidence import SaliencyEvidence
from feedback.fields import JsonObject
from feedback.packing import join_items, split_items


def pack_evidence(
    evidence: SaliencyEvidence, priorities: Mapping[str, float]
) -> tuple[JsonObject, tuple[ReviewItem, ...]]:
    """Split the evidence into what is shown of the whole request and one item per image.

    Args:
        evidence: What is shown.
        priorities: Urgency of each image, by its digest; an image without one gets 0.

    Returns:
        ``evidence`` and ``items`` of the bundle.
    """
    return split_items(evidence, "images", key="image", title="name", priorities=priorities)


def read_evidence(bundle: ReviewBundle) -> SaliencyEvidence:
    """Join the evidence of a bundle of this channel.

    Args:
        bundle: A request.

    Returns:
        What was given to ``pack_evidence``.

    Raises:
        ValidationError: If the bundle does not follow the channel's schema.
    """
    return SaliencyEvidence.model_validate(join_items(bundle, "images"))
