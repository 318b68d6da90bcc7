"""How many reviews of a model in a row no person decided."""

import logging
from collections.abc import Collection

from feedback.bundle import ReviewBundle
from feedback.closed import ClosedReview, closed_reviews, decided_requests
from feedback.errors import ArtifactError
from feedback.layout import REVIEWS, manifest_key, request_of
from feedback.objects import ObjectStore
from feedback.policy import Policy
from feedback.publishing import load_bundle
from feedback.states import ReviewState

logger = logging.getLogger(__name__)

_DECIDED = frozenset(
    {
        ReviewState.APPROVED,
        ReviewState.PARTIAL,
        ReviewState.CHANGES_REQUESTED,
        ReviewState.REJECTED,
    }
)


def count_unattended(store: ObjectStore, model: str, policies: Collection[Policy]) -> int | None:
    """Count the reviews of a model since the last that people decided.

    Those that are open count too: the rule may still approve them, and requests that are published
    side by side must not each be the first.

    Args:
        store: Where reviews lie.
        model: Registered name.
        policies: Rules whose decisions by people end the row; approvals by rule count whatever
            rule made them.

    Returns:
        Approvals by rule in the row, and open requests; None when what people decided last was no
        approval: what they objected to may come again, and is theirs to judge.

    Raises:
        StoreError: If the store cannot be read.
    """
    trusted = {policy.digest for policy in policies}
    count = sum(bundle.model.name == model for bundle in _open_requests(store))
    for review in closed_reviews(store):
        if review.bundle.model.name != model:
            continue
        if review.closing.by_rule:
            count += 1
        elif _is_by_people(review, trusted):
            return count if review.closing.state is ReviewState.APPROVED else None
    return count


def _is_by_people(review: ClosedReview, trusted: Collection[str]) -> bool:
    closing = review.closing
    is_trusted = closing.policy_sha256 in trusted
    return is_trusted and bool(closing.responses) and closing.state in _DECIDED


def _open_requests(store: ObjectStore) -> list[ReviewBundle]:
    keys = {info.key for info in store.list(REVIEWS)}
    published = {request_of(key) for key in keys if key == manifest_key(request_of(key))}
    found = []
    for request_id in sorted(published - decided_requests(store).keys()):
        try:
            found.append(load_bundle(store, request_id))
        except ArtifactError as error:
            # Nobody can approve it either.
            logger.warning("request %s is left out: %s", request_id, error)
    return found
