"""Whether a stored decision is what its rule makes of its responses."""

from datetime import timedelta

from feedback.answer import GateRequest
from feedback.answering import answer_of
from feedback.attention import check_attention
from feedback.bundle import ReviewBundle
from feedback.canonical import sha256_hex
from feedback.channel import load_feedback_channel
from feedback.decision import Decision
from feedback.errors import FeedbackError, ObjectNotFoundError, PolicyError
from feedback.gate import Outcome, decide
from feedback.genuineness import are_genuine
from feedback.layout import decision_key, policy_key
from feedback.low_risk import rule_moment
from feedback.objects import ObjectStore
from feedback.policy import Policy
from feedback.policy_file import MAX_POLICY_BYTES, parse_policy
from feedback.proposing import with_proposal
from feedback.receipts import load_receipts
from feedback.reviewers import load_registry
from feedback.states import CLOSING, FOLLOWING, OF_VERDICT, ReviewState

# Time or people outside the gate make these; none of them approves anything.
_UNDERIVED = frozenset({ReviewState.EXPIRED, ReviewState.WITHDRAWN, ReviewState.STALE})


def follows(
    store: ObjectStore, bundle: ReviewBundle, decision: Decision, previous: Decision | None
) -> bool:
    """Tell whether a decision follows from what it holds.

    Args:
        store: Where the rule is kept.
        bundle: The request.
        decision: A decision on it.
        previous: The decision before; None for the first.

    Returns:
        True if the state is the one that its rule and responses, or the decision before, give.

    Raises:
        StoreError: If the store cannot be read.
    """
    if previous is not None:
        return decision.state in FOLLOWING.get(previous.state, ())
    if decision.state not in CLOSING:
        return False
    if decision.policy_sha256 is not None and decision.state not in _UNDERIVED:
        return _derived(store, bundle, decision)
    verdicts = [response.document.verdict for response in decision.responses]
    if decision.policy == "single" and decision.policy_sha256 is None and verdicts:
        return [OF_VERDICT[verdict] for verdict in verdicts] == [decision.state]
    # Without a rule that could be looked up, nothing is taken to be approved.
    return not decision.is_approved and decision.state is not ReviewState.PARTIAL


def _derived(store: ObjectStore, bundle: ReviewBundle, decision: Decision) -> bool:
    policy = _policy(store, str(decision.policy_sha256))
    if policy is None or policy.name != decision.policy:
        return False
    if not are_genuine(decision.responses, lambda: load_registry(store), policy):
        return False
    try:
        answers = [
            answer_of(
                response.document,
                key=response.key,
                seats=response.seats,
                arrived_at=response.arrived_at,
            )
            for response in decision.responses
            if response.arrived_at is not None
        ]
        for response in decision.responses:
            check_attention(bundle, response.document, policy)
        join = load_feedback_channel(decision.channel).join_edits
    except FeedbackError:
        return False
    request, ways = GateRequest.of(bundle), [join]
    if decision.by_rule:
        if not _may_be_ruled(store, request, decision, policy):
            return False
        request = with_proposal(request, bundle)
    if not decision.is_approved:
        # Before channels joined edits, nothing of what was edited in two ways went on.
        ways.append(lambda edits: None)
    return any(
        _is(decide(request, answers, decision.decided_at, policy, way), decision) for way in ways
    )


def _may_be_ruled(
    store: ObjectStore, request: GateRequest, decision: Decision, policy: Policy
) -> bool:
    """Tell whether the time was over when the decision was stored, and nobody had answered.

    A decision by rule holds no signature, so these two are not taken on its own word: whoever can
    write decisions and nothing else makes none before its time or against an answer.
    """
    if policy.auto_approve is None:
        return False
    skew = timedelta(seconds=policy.clock_skew_seconds)
    stored = [info.modified for info in store.list(decision_key(request.request_id, 1))]
    if not stored or min(stored) + skew < rule_moment(request, policy.auto_approve):
        return False
    # What arrived while the decision was being made came too late for it.
    receipts = load_receipts(store, request.request_id)
    return all(receipt.arrived_at + skew >= decision.decided_at for receipt in receipts)


def _is(outcome: Outcome, decision: Decision) -> bool:
    return (
        outcome.state is decision.state
        and outcome.considered == tuple(sorted(response.key for response in decision.responses))
        and tuple(edit.response for edit in outcome.agreed) == decision.agreed
        and outcome.conflicts == decision.conflicts
        and outcome.by_rule == decision.by_rule
        and decision.joined in (outcome.joined, ())  # earlier versions did not say
    )


def _policy(store: ObjectStore, digest: str) -> Policy | None:
    try:
        data = store.get(policy_key(digest), max_bytes=MAX_POLICY_BYTES)
    except ObjectNotFoundError:
        return None
    try:
        return parse_policy(data, policy_key(digest)) if sha256_hex(data) == digest else None
    except PolicyError:
        return None
