"""How many reviews of a model in a row no person decided, and whether a person objected."""

import logging
from collections.abc import Collection, Sequence

from feedback.bundle import ReviewBundle
from feedback.closed import ClosedReview, closed_reviews
from feedback.errors import ArtifactError, ObjectNotFoundError
from feedback.inbox import pending
from feedback.layout import accepted_prefix
from feedback.objects import ObjectStore
from feedback.policy import Policy
from feedback.publishing import load_bundle, open_requests
from feedback.states import ReviewState

logger = logging.getLogger(__name__)


def count_unattended(
    store: ObjectStore, asked: ReviewBundle, policies: Collection[Policy]
) -> int | None:
    """Count the reviews of a model since the last that people approved.

    Those that are open count too: the rule may still approve them, and requests that are published
    side by side must not each be the first.

    Args:
        store: Where reviews lie.
        asked: The request that is about to be published, of any round.
        policies: Rules whose approvals by people end the row; approvals by rule count whatever
            rule made them.

    Returns:
        Approvals by rule in the row, and open requests; None when people answered one of the row
        otherwise, took a promotion back since, or ever answered the same evidence and did not let
        it go on: what they objected to may come again, and is theirs to judge.

    Raises:
        StoreError: If the store cannot be read.
    """
    model = asked.model.name
    waiting = [bundle for bundle in _open_bundles(store) if bundle.model.name == model]
    closed = [review for review in closed_reviews(store) if review.bundle.model.name == model]
    row, approval = _since_approval(closed, {policy.digest for policy in policies})
    if any(_is_revoked_after(review, approval) for review in closed):
        return None
    again = [bundle for bundle in waiting if _is_same_evidence(bundle, asked)]
    # Answers to a request that is open: the run may withdraw it to ask anew.
    if any(_has_answers(store, bundle.request_id) for bundle in again):
        return None
    for number, review in enumerate(closed):
        is_looked_at = number < len(row) or _is_same_evidence(review.bundle, asked)
        if is_looked_at and _is_objected_to(store, review):
            return None
    return len(waiting) + sum(review.closing.by_rule for review in row)


def _since_approval(
    closed: Sequence[ClosedReview], trusted: Collection[str]
) -> tuple[Sequence[ClosedReview], ClosedReview | None]:
    """Return the reviews since people approved one, the last first, and that one."""
    for number, review in enumerate(closed):
        closing = review.closing
        is_trusted = closing.policy_sha256 in trusted and bool(closing.responses)
        if is_trusted and closing.state is ReviewState.APPROVED:
            return closed[:number], review
    return closed, None


def _is_revoked_after(review: ClosedReview, approval: ClosedReview | None) -> bool:
    """Tell whether people took a promotion back, and have approved nothing since."""
    if review.standing.state is not ReviewState.REVOKED:
        return False
    return approval is None or review.standing.decided_at >= approval.closing.decided_at


def _is_objected_to(store: ObjectStore, review: ClosedReview) -> bool:
    """Tell whether people answered, and it was not approved.

    Of an expired or withdrawn request some answers may not be in its decision.
    """
    if review.closing.state is ReviewState.APPROVED:
        return False
    return bool(review.closing.responses) or _has_answers(store, review.bundle.request_id)


def _has_answers(store: ObjectStore, request_id: str) -> bool:
    return bool(store.list(accepted_prefix(request_id))) or bool(pending(store, request_id))


def _is_same_evidence(one: ReviewBundle, other: ReviewBundle) -> bool:
    """Tell whether two requests show the same, in whatever round or follow-up."""
    return one.model.digest == other.model.digest and all(
        getattr(one, part) == getattr(other, part)
        for part in ("channel", "dataset", "files", "evidence", "items")
    )


def _open_bundles(store: ObjectStore) -> list[ReviewBundle]:
    found = []
    for request_id in open_requests(store):
        try:
            found.append(load_bundle(store, request_id))
        except ObjectNotFoundError:
            # Its pictures are still being written: nobody can approve it yet.
            continue
        except ArtifactError as error:
            # Nobody can approve it either.
            logger.warning("request %s is left out: %s", request_id, error)
    return found
