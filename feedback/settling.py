"""One request brought as far as its uploads allow: judged, fixed, decided.

Every step may be cut off after any write: the next one, by whoever makes it, goes on from what lies
in the store.
"""

import logging
from collections.abc import Sequence
from datetime import datetime

from feedback.answer import Answer, GateRequest, Seat
from feedback.answering import answer_of
from feedback.bundle import ReviewBundle
from feedback.decision import DecidedResponse, Decision
from feedback.errors import ClosedRequestError, FeedbackError
from feedback.gate import Outcome, closing_time, decide
from feedback.identity import identify
from feedback.inbox import CheckedUpload, examine
from feedback.objects import ObjectInfo, ObjectStore
from feedback.policy import Policy
from feedback.receipts import Receipt, give_receipt, load_receipts
from feedback.recording import load_decision, record_decision
from feedback.rejections import reject
from feedback.reviewers import Registry
from feedback.states import ReviewState

logger = logging.getLogger(__name__)


class Settlement:
    """A request, the rule and the reviewers as they were at one moment."""

    def __init__(
        self,
        store: ObjectStore,
        bundle: ReviewBundle,
        *,
        policy: Policy,
        registry: Registry,
        now: datetime,
        deadline: datetime | None = None,
    ) -> None:
        """Look at a request.

        Args:
            store: Where it lies.
            bundle: The request.
            policy: The rule.
            registry: Reviewers and pages.
            now: Moment of looking.
            deadline: An earlier deadline than the request's own.
        """
        self.store, self.bundle, self.policy, self.now = store, bundle, policy, now
        self.request = GateRequest.of(bundle, deadline)
        self._registry = registry
        self._closing = closing_time(self.request, policy)

    def settle(self, uploads: Sequence[ObjectInfo]) -> tuple[Outcome, Decision | None]:
        """Judge uploads in the order of their arrival until the request closes.

        So the outcome does not depend on how often somebody looks. What came after the closing
        answer is refused.

        Args:
            uploads: What nobody has judged yet, in the order of arrival.

        Returns:
            What the answers amount to, and the decision that stands, None while it is open.

        Raises:
            ArtifactError: If a receipt or the decision was changed in the store.
            StoreError: If the store cannot be read or written.
        """
        answers, receipts = self._accepted()
        left = list(uploads)
        outcome = decide(self.request, list(answers.values()), self.now, self.policy)
        # Time alone must not close a request whose answers lie there unread.
        while left and outcome.state in (ReviewState.OPEN, ReviewState.EXPIRED):
            if self._admit(left.pop(0)):
                answers, receipts = self._accepted()
            outcome = decide(self.request, list(answers.values()), self.now, self.policy)
        if outcome.state is ReviewState.OPEN:
            return outcome, None
        decision = self._record(outcome, answers, receipts)
        for info in left:
            examine(self.store, self.bundle, info, now=self.now)
        return outcome, decision

    def _accepted(self) -> tuple[dict[str, Answer], dict[str, Receipt]]:
        """Return the answers that count now: a reviewer may have been taken off since."""
        answers, receipts = {}, {}
        for receipt in load_receipts(self.store, self.bundle.request_id):
            parsed = receipt.parsed()
            try:
                seats = identify(
                    parsed.document,
                    parsed.signature,
                    arrived_at=receipt.arrived_at,
                    registry=self._registry,
                    policy=self.policy,
                )
            except FeedbackError as error:
                reject(
                    self.store,
                    self.bundle.request_id,
                    receipt.key,
                    error,
                    data=receipt.upload.encode(),
                    now=self.now,
                )
                continue
            receipts[receipt.key] = receipt
            answers[receipt.key] = answer_of(
                parsed.document, key=receipt.key, seats=seats, arrived_at=receipt.arrived_at
            )
        return answers, receipts

    def _admit(self, info: ObjectInfo) -> bool:
        if self._closing is not None and info.modified > self._closing:
            late = (
                f"expected an answer by {self._closing.isoformat()} (got it later); wait for the "
                "next request"
            )
            error = ClosedRequestError(late)
            reject(self.store, self.bundle.request_id, info.key, error, now=self.now)
            return False

        def accept(checked: CheckedUpload, data: bytes) -> None:
            identify(
                checked.document,
                checked.signature,
                arrived_at=info.modified,
                registry=self._registry,
                policy=self.policy,
            )
            give_receipt(self.store, self.bundle.request_id, info, checked, data)

        return examine(self.store, self.bundle, info, now=self.now, accept=accept) is not None

    def _record(
        self, outcome: Outcome, answers: dict[str, Answer], receipts: dict[str, Receipt]
    ) -> Decision | None:
        try:
            return record_decision(
                self.store,
                self.bundle,
                outcome.state,
                policy=self.policy,
                responses=[
                    _decided(receipts[key], answers[key].seats) for key in outcome.considered
                ],
                agreed=[edit.response for edit in outcome.agreed],
                conflicts=outcome.conflicts,
                reason=outcome.reason,
                now=self.now,
            )
        except ClosedRequestError:
            # Whoever decided, the object that stands is what counts.
            logger.info("another watcher decided %s first", self.bundle.request_id)
            return load_decision(self.store, self.bundle.request_id)


def _decided(receipt: Receipt, seats: tuple[Seat, ...]) -> DecidedResponse:
    parsed = receipt.parsed()
    return DecidedResponse(
        key=receipt.key,
        sha256=receipt.sha256,
        warnings=receipt.warnings,
        document=parsed.document,
        arrived_at=receipt.arrived_at,
        seats=seats,
        signature=parsed.signature,
    )
