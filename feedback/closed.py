"""The reviews that are over, with what was shown and what was decided, each verified."""

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from feedback.bundle import ReviewBundle
from feedback.decision import Decision
from feedback.errors import ArtifactError, ObjectNotFoundError
from feedback.layout import DECISIONS, request_of
from feedback.objects import ObjectStore
from feedback.policy import Policy
from feedback.publishing import load_bundle
from feedback.recording import load_decision, load_decisions

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClosedReview:
    """A request that was decided.

    Attributes:
        bundle: What was shown.
        decisions: What was decided, from the decision that closed it to the one that stands.
    """

    bundle: ReviewBundle
    decisions: tuple[Decision, ...]

    @property
    def closing(self) -> Decision:
        """The decision that closed it."""
        return self.decisions[0]

    @property
    def standing(self) -> Decision:
        """The decision that stands: a later one promotes, or takes back."""
        return self.decisions[-1]


def closed_reviews(
    store: ObjectStore, *, policies: Collection[Policy] | None = None
) -> Sequence[ClosedReview]:
    """Read the reviews that are over.

    Args:
        store: Where they lie.
        policies: Rules whose decisions are taken; None takes any.

    Returns:
        Reviews, the one that was closed last first. One that cannot be verified, or was decided by
        a rule that is not among ``policies``, is left out with a warning.

    Raises:
        StoreError: If the store cannot be read.
    """
    names = decided_requests(store)
    found = [one for name in names if (one := load_closed(store, name, policies)) is not None]
    return sorted(
        found, key=lambda one: (one.closing.decided_at, one.bundle.request_id), reverse=True
    )


def decided_requests(store: ObjectStore) -> dict[str, int]:
    """Count the decisions on each request that has one, without reading any.

    Raises:
        StoreError: If the store cannot be read.
    """
    return dict(sorted(Counter(request_of(info.key) for info in store.list(DECISIONS)).items()))


def accepted_feedback(store: ObjectStore, model: str) -> dict[str, str]:
    """Tell what people have said about a model that stands: approved, and not taken back.

    Approvals by rule are none of it: they say nothing new, and must not set off the next run.

    Args:
        store: Where reviews lie.
        model: Registered name.

    Returns:
        Digest of the closing decision by request; a promotion does not change it.

    Raises:
        StoreError: If the store cannot be read.
    """
    return {
        review.bundle.request_id: review.closing.digest
        for review in closed_reviews(store)
        if review.standing.is_approved
        and not review.standing.by_rule
        and review.bundle.model.name == model
    }


def load_closed(
    store: ObjectStore, request_id: str, policies: Collection[Policy] | None = None
) -> ClosedReview | None:
    """Read one review; None when it is open, or left out for a reason that is logged.

    Args:
        store: Where it lies.
        request_id: Which request.
        policies: Rules whose decisions are taken; None takes any.

    Raises:
        StoreError: If the store cannot be read.
    """
    try:
        if policies is not None:
            load_decision(store, request_id, policies=policies)
        decisions = load_decisions(store, request_id)
        return ClosedReview(load_bundle(store, request_id), tuple(decisions)) if decisions else None
    except (ArtifactError, ObjectNotFoundError) as error:
        logger.warning("review %s is left out: %s", request_id, error)
        return None
