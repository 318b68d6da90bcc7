"""The states of a review request and which may follow which."""

from enum import StrEnum


class ReviewState(StrEnum):
    """State of a request; only APPROVED and what follows from it let a correction go on."""

    DRAFT = "DRAFT"
    OPEN = "OPEN"
    APPROVED = "APPROVED"
    PARTIAL = "PARTIAL"
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"
    STALE = "STALE"
    PROMOTED = "PROMOTED"
    REVOKED = "REVOKED"


OF_VERDICT = {
    "approve": ReviewState.APPROVED,
    "reject": ReviewState.REJECTED,
    "request_changes": ReviewState.CHANGES_REQUESTED,
}
"""What one reviewer's verdict means when it is the only one that counts."""

CLOSING = frozenset(
    {
        ReviewState.APPROVED,
        ReviewState.PARTIAL,
        ReviewState.CHANGES_REQUESTED,
        ReviewState.REJECTED,
        ReviewState.EXPIRED,
        ReviewState.WITHDRAWN,
    }
)
"""States that the first decision on a request may have."""

FOLLOWING = {
    ReviewState.APPROVED: frozenset({ReviewState.PROMOTED, ReviewState.STALE}),
    ReviewState.PROMOTED: frozenset({ReviewState.REVOKED}),
}
"""States that a later decision may have, by the state before it; what is not listed is final."""
