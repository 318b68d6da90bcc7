"""Evidence of any channel as the parts of a bundle, and back: one list of it becomes the items."""

from collections.abc import Mapping

from feedback.bundle import ReviewBundle, ReviewItem
from feedback.fields import Exchanged, JsonObject


def split_items(
    evidence: Exchanged, part: str, *, key: str, title: str, priorities: Mapping[str, float]
) -> tuple[JsonObject, tuple[ReviewItem, ...]]:
    """Split evidence into what is shown of the whole request and one item per entry of a list.

    Args:
        evidence: What is shown.
        part: Name of the list.
        key: Field of an entry that names it.
        title: Field of an entry that people read.
        priorities: Urgency of each entry, by its name; one without gets 0.

    Returns:
        ``evidence`` and ``items`` of the bundle.
    """
    dumped = evidence.model_dump(mode="json")
    items = tuple(
        ReviewItem(
            id=shown[key],
            priority=priorities.get(shown[key], 0.0),
            title=shown[title],
            evidence=shown,
        )
        for shown in dumped.pop(part)
    )
    return dumped, items


def join_items(bundle: ReviewBundle, part: str) -> JsonObject:
    """Return a bundle's evidence with its items as the list ``part``, as JSON.

    Args:
        bundle: A request.
        part: Name of the list.
    """
    return {**bundle.evidence, part: [item.evidence for item in bundle.items]}
