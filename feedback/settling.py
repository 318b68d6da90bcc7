"""One request brought as far as its uploads allow: judged, fixed, decided.

Every step may be cut off after any write: the next one, by whoever makes it, goes on from what lies
in the store.
"""

import logging
from collections.abc import Sequence
from datetime import datetime

from feedback.answer import Answer, GateRequest, Seat
from feedback.answering import answer_of
from feedback.attention import check_attention
from feedback.bundle import ReviewBundle
from feedback.canonical import sha256_hex
from feedback.channel import load_feedback_channel
from feedback.decision import DecidedResponse, Decision
from feedback.document import MAX_BYTES
from feedback.errors import (
    ClosedRequestError,
    FeedbackError,
    ObjectNotFoundError,
    ObjectTooLargeError,
    ReplayError,
)
from feedback.gate import Outcome, closing_time, decide
from feedback.identity import identify
from feedback.inbox import CheckedUpload, examine
from feedback.low_risk import champion_risks, rule_moment
from feedback.objects import ObjectInfo, ObjectStore
from feedback.policy import Policy
from feedback.probing import store_time
from feedback.proposing import with_proposal
from feedback.receipts import Receipt, give_receipt, load_receipts
from feedback.recording import load_decision, record_decision
from feedback.rejections import reject
from feedback.reviewers import Registry
from feedback.states import ReviewState
from feedback.upload import Upload

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

        Raises:
            ArtifactError: If a receipt was changed in the store.
            StoreError: If the store cannot be read.
        """
        self.store, self.bundle, self.policy, self.now = store, bundle, policy, now
        self.request = GateRequest.of(bundle, deadline)
        self._registry = registry
        self._closing = closing_time(self.request, policy)
        self._receipts: dict[str, Receipt] = {}
        self._answers: dict[str, Answer] = {}
        receipts = load_receipts(store, bundle.request_id)
        # One that does not count any more was an answer all the same: people took the request up.
        self._is_untouched = not receipts
        for receipt in receipts:
            self._count(receipt)

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
        left = list(uploads)
        outcome = self._decide()
        # Time alone must not close a request whose answers lie there unread.
        while left and (
            outcome.by_rule or outcome.state in (ReviewState.OPEN, ReviewState.EXPIRED)
        ):
            receipt = self._admit(left.pop(0))
            if receipt is not None:
                # One that does not count was an answer too: the rule does not act any more.
                self._count(receipt)
                outcome = self._decide()
        if outcome.by_rule and not self._is_time():
            outcome = Outcome(
                ReviewState.OPEN, "waiting for the rule's moment by the store's clock"
            )
        if outcome.state is ReviewState.OPEN:
            # Another watcher may have seen more, and closed it, since the uploads were listed.
            return outcome, load_decision(self.store, self.bundle.request_id)
        decision = self._record(outcome)
        for info in left:
            examine(self.store, self.bundle, info, now=self.now)
        return outcome, decision

    def refuse_replaced(self, uploads: Sequence[ObjectInfo]) -> None:
        """Refuse what was put in the place of an accepted upload; the first one stays the answer.

        Args:
            uploads: Everything in the request's inbox that was not refused.

        Raises:
            StoreError: If the store cannot be read or written.
        """
        for info in uploads:
            receipt = self._receipts.get(info.key)
            if receipt is None or receipt.etag == info.etag:
                continue
            try:
                data = self.store.get(info.key, max_bytes=MAX_BYTES)
            except ObjectNotFoundError:
                continue
            except ObjectTooLargeError:
                data = None
            if data is None or sha256_hex(data) != receipt.sha256:
                error = ReplayError(
                    "expected a nonce that was not used before (got another document in the place "
                    "of an accepted one, which stays); hand in the new one under a new nonce"
                )
                self._reject(info.key, error, data)

    def _count(self, receipt: Receipt) -> bool:
        """Let an accepted answer count, unless its reviewer or key was taken off since."""
        parsed = receipt.parsed()
        try:
            seats = self._identify(parsed, receipt.arrived_at)
        except FeedbackError as error:
            self._reject(receipt.key, error, receipt.upload.encode())
            return False
        self._receipts[receipt.key] = receipt
        self._answers[receipt.key] = answer_of(
            parsed.document, key=receipt.key, seats=seats, arrived_at=receipt.arrived_at
        )
        return True

    def _admit(self, info: ObjectInfo) -> Receipt | None:
        if self._closing is not None and info.modified > self._closing:
            late = f"expected an answer by {self._closing.isoformat()} (got it later)"
            self._reject(info.key, ClosedRequestError(f"{late}; wait for the next request"), None)
            return None
        given: list[Receipt] = []

        def accept(checked: CheckedUpload, data: bytes) -> None:
            self._identify(Upload(checked.document, checked.signature), info.modified)
            request_id = self.bundle.request_id
            given.append(give_receipt(self.store, request_id, info, checked, data))
            self._is_untouched = False

        examine(self.store, self.bundle, info, now=self.now, accept=accept)
        return given[0] if given else None

    def _decide(self) -> Outcome:
        answers = list(self._answers.values())
        # A channel that is not installed here has no answers either.
        join = load_feedback_channel(self.bundle.channel).join_edits if answers else None
        return decide(self._judged(), answers, self.now, self.policy, join)

    def _judged(self) -> GateRequest:
        """Return the request, with what it repeats when the rule's moment has come.

        Reading it takes the whole evidence, so it is not looked at when the rule cannot apply.
        """
        rule, request = self.policy.auto_approve, self.request
        if rule is None or not self._is_untouched or self.now < rule_moment(request, rule):
            return request
        return request if champion_risks(request, rule) else with_proposal(request, self.bundle)

    def _is_time(self) -> bool:
        """Tell whether the rule's moment has come by the store's clock too.

        Nobody would believe a decision by rule that the store dates before it, so a watcher whose
        clock is ahead must not write one.
        """
        rule, now = self.policy.auto_approve, store_time(self.store)
        return rule is not None and now is not None and now >= rule_moment(self.request, rule)

    def _identify(self, upload: Upload, arrived_at: datetime) -> tuple[Seat, ...]:
        check_attention(self.bundle, upload.document, self.policy)
        return identify(
            upload.document,
            upload.signature,
            arrived_at=arrived_at,
            registry=self._registry,
            policy=self.policy,
        )

    def _reject(self, key: str, error: FeedbackError, data: bytes | None) -> None:
        reject(self.store, self.bundle.request_id, key, error, data=data, now=self.now)

    def _record(self, outcome: Outcome) -> Decision | None:
        try:
            return record_decision(
                self.store,
                self.bundle,
                outcome.state,
                policy=self.policy,
                responses=[
                    _decided(self._receipts[key], self._answers[key].seats)
                    for key in outcome.considered
                ],
                agreed=[edit.response for edit in outcome.agreed],
                conflicts=outcome.conflicts,
                joined=outcome.joined,
                by_rule=outcome.by_rule,
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
