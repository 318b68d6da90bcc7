"""Which reviews of earlier runs a run starts from."""

from collections.abc import Callable, Collection, Sequence

from feedback.closed import ClosedReview, closed_reviews
from feedback.objects import ObjectStore
from feedback.policy import Policy


def approved_reviews(
    store: ObjectStore, *, channel: str, model: str, policies: Collection[Policy]
) -> list[ClosedReview]:
    """Read the reviews of a channel that people approved and nobody took back.

    What a rule approved is carried over from the review that people gave, not from its repetition,
    so that small differences do not add up unseen.

    Args:
        store: Where they lie.
        channel: Channel's name.
        model: Registered name.
        policies: Rules whose decisions are taken.

    Returns:
        Reviews, the one that was closed last first.

    Raises:
        StoreError: If the store cannot be read.
    """
    return [
        review
        for review in closed_reviews(store, policies=policies)
        if (review.bundle.channel, review.bundle.model.name) == (channel, model)
        and review.standing.is_approved
        and not review.standing.by_rule
    ]


def reviews_before(
    approved: Sequence[ClosedReview],
    origin_of: Callable[[ClosedReview], str],
    origin: Callable[[Sequence[ClosedReview]], str],
) -> list[ClosedReview]:
    """Choose the reviews that a run starts from: those of earlier runs, and none of its own.

    A run that is made again, after a crash or by hand, finds the requests that it made the first
    time among them. It is the same run when nothing else was said meanwhile: when it would have
    started, from all reviews but those of one origin, with that very origin.

    Args:
        approved: Approved reviews.
        origin_of: What a review's run started from, as the request names it.
        origin: Names what this run starts from, given the reviews that it takes up.

    Returns:
        Reviews in the order of ``approved``.
    """
    origins = [origin_of(review) for review in approved]
    for own in dict.fromkeys(origins):
        others = [one for one, named in zip(approved, origins, strict=True) if named != own]
        if origin(others) == own:
            return others
    return list(approved)
