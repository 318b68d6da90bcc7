"""Writing the decisions on a request, each once, and reading them back verified."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from pydantic import ValidationError

from feedback.bundle import ReviewBundle
from feedback.decision import DecidedResponse, Decision
from feedback.errors import ClosedRequestError, DigestMismatchError
from feedback.fields import JsonObject
from feedback.inbox import CheckedUpload
from feedback.layout import decision_key, decision_prefix, policy_key
from feedback.objects import ObjectStore
from feedback.policy import Policy, single_policy
from feedback.publishing import load_bundle
from feedback.rederiving import follows
from feedback.states import FOLLOWING, OF_VERDICT, ReviewState

MAX_DECISION_BYTES = 64 * 2**20
"""Largest decision that is read."""


def decide_single(
    store: ObjectStore,
    bundle: ReviewBundle,
    upload: CheckedUpload,
    *,
    now: datetime | None = None,
) -> Decision:
    """Decide a request by one reviewer's word, without a watcher.

    Args:
        store: Where the request lies.
        bundle: The request.
        upload: The reviewer's checked document.
        now: Moment of the decision; None takes the clock's.

    Returns:
        The decision; the one that stands already when it was made from the same document.

    Raises:
        ClosedRequestError: If the request was decided otherwise.
        StoreError: If the store cannot be written.
    """
    response = DecidedResponse(
        key=upload.key,
        sha256=upload.sha256,
        warnings=upload.warnings,
        document=upload.document,
    )
    state = OF_VERDICT[upload.document.verdict]
    return record_decision(store, bundle, state, policy="single", responses=[response], now=now)


def record_decision(
    store: ObjectStore,
    bundle: ReviewBundle,
    state: ReviewState,
    *,
    policy: str | Policy,
    responses: Sequence[DecidedResponse] = (),
    agreed: Sequence[JsonObject] = (),
    conflicts: Sequence[str] = (),
    joined: Sequence[str] = (),
    by_rule: bool = False,
    reason: str = "",
    now: datetime | None = None,
) -> Decision:
    """Close a request, once.

    Args:
        store: Where the request lies.
        bundle: The request.
        state: Outcome.
        policy: Rule that was applied, which is kept with the decision, or only its name.
        responses: What it was made from.
        agreed: Edits that go on.
        conflicts: What approvers edited differently.
        joined: Reviewers whose edits go on.
        by_rule: Whether the policy's rule approved it and no person did.
        reason: Why, when the responses alone do not say.
        now: Moment of the decision; None takes the clock's.

    Returns:
        The decision; the one that stands already when it says the same.

    Raises:
        ClosedRequestError: If the request was decided otherwise.
        StoreError: If the store cannot be written.
    """
    rule = policy if isinstance(policy, Policy) else None
    if rule is not None:
        # Before the decision, which cannot be verified without it.
        store.put_if_absent(policy_key(rule.digest), rule.to_json())
    decision = Decision(
        request_id=bundle.request_id,
        bundle_sha256=bundle.digest,
        channel=bundle.channel,
        state=state,
        policy=rule.name if rule else str(policy),
        reason=reason[:4000],
        responses=tuple(responses),
        decided_at=now or datetime.now(UTC),
        policy_sha256=rule.digest if rule else None,
        agreed=tuple(agreed),
        conflicts=tuple(conflicts),
        joined=tuple(joined),
        by_rule=by_rule,
    )
    if store.put_if_absent(decision_key(bundle.request_id, 1), decision.to_json()):
        return decision
    # Two watchers at once, or our own answer that was lost: the object that stands is the truth.
    standing = _read(store, bundle, 1, None)
    if (standing.state, standing.responses) != (decision.state, decision.responses):
        raise ClosedRequestError(
            f"expected an open request (got {bundle.request_id!r}, {standing.state.value} since "
            f"{standing.decided_at.isoformat()}); answer another one"
        )
    return standing


def record_transition(
    store: ObjectStore,
    request_id: str,
    state: ReviewState,
    *,
    reason: str = "",
    now: datetime | None = None,
) -> Decision:
    """Add what became of an approved request: promoted, stale, or revoked later.

    Args:
        store: Where the request lies.
        request_id: Which request.
        state: PROMOTED or STALE after APPROVED, REVOKED after PROMOTED.
        reason: Why.
        now: Moment of it; None takes the clock's.

    Returns:
        The decision that stands; the earlier one when that state was recorded before.

    Raises:
        ClosedRequestError: If the state may not follow the one that stands.
        ArtifactError: If a decision was changed in the store.
        StoreError: If the store cannot be written.
    """
    before = load_decision(store, request_id)
    if before is not None and before.state is state and before.sequence > 1:
        return before
    if before is None or state not in FOLLOWING.get(before.state, ()):
        raise ClosedRequestError(
            f"expected a request that can become {state.value} (got {request_id!r}, "
            f"{before.state.value if before else 'OPEN'}); see 'parley review list --all'"
        )
    decision = Decision(
        request_id=request_id,
        bundle_sha256=before.bundle_sha256,
        channel=before.channel,
        sequence=before.sequence + 1,
        previous_sha256=before.digest,
        state=state,
        policy=before.policy,
        reason=reason[:4000],
        decided_at=now or datetime.now(UTC),
        policy_sha256=before.policy_sha256,
        agreed=_carried(state, before),
        by_rule=before.by_rule,
    )
    if store.put_if_absent(decision_key(request_id, decision.sequence), decision.to_json()):
        return decision
    standing = load_decision(store, request_id)
    if standing is None or standing.state is not state:
        raise ClosedRequestError(
            f"expected to record {state.value} on {request_id!r} (got another state at the same "
            "time); look at it again"
        )
    return standing


def load_decision(
    store: ObjectStore, request_id: str, *, policies: Collection[Policy] | None = None
) -> Decision | None:
    """Read the latest decision on a request and verify the chain that leads to it.

    Args:
        store: Where the request lies.
        request_id: Which request.
        policies: Rules by which it may have been made; None takes any. Who does not trust all who
            can write the store gives them, or a forger could approve by a rule of their own.

    Returns:
        The decision, or None while the request is open.

    Raises:
        DigestMismatchError: If a decision is missing, changed, made for other evidence or by
            another rule.
        StoreError: If the store cannot be read.
    """
    decisions = load_decisions(store, request_id)
    if policies is not None and decisions:
        first = decisions[0]
        named = first.policy_sha256
        # Before rules were kept with decisions there was this one only, which anybody can meet.
        is_old = named is None and first.policy == "single" and single_policy() in policies
        if not is_old and named not in [policy.digest for policy in policies]:
            raise DigestMismatchError(
                f"expected a decision on {request_id!r} by one of the policies "
                f"{', '.join(policy.name for policy in policies)} (got {first.policy!r}, "
                f"{(named or 'unknown')[:12]}); name that policy too if you trust it"
            )
    return decisions[-1] if decisions else None


def load_decisions(store: ObjectStore, request_id: str) -> Sequence[Decision]:
    """Read all decisions on a request, the first first, and verify their chain.

    Raises:
        DigestMismatchError: If a decision is missing, changed, or made for other evidence.
        StoreError: If the store cannot be read.
    """
    keys = [info.key for info in store.list(decision_prefix(request_id))]
    if not keys:
        return []
    expected = [decision_key(request_id, index + 1) for index in range(len(keys))]
    if keys != expected:
        raise DigestMismatchError(
            f"expected decisions {expected[0]!r} to {expected[-1]!r} without a gap "
            f"(got {keys[:3]!r}); restore the store from its versions"
        )
    bundle = load_bundle(store, request_id)
    decisions: list[Decision] = []
    for sequence in range(1, len(keys) + 1):
        decisions.append(_read(store, bundle, sequence, decisions[-1] if decisions else None))
    return decisions


def _read(
    store: ObjectStore, bundle: ReviewBundle, sequence: int, previous: Decision | None
) -> Decision:
    data = store.get(decision_key(bundle.request_id, sequence), max_bytes=MAX_DECISION_BYTES)
    try:
        decision = Decision.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise _changed(bundle.request_id, sequence, "another schema") from error
    identity = (bundle.request_id, bundle.digest, bundle.channel)
    named = {(decision.request_id, decision.bundle_sha256, decision.channel)} | {
        (document.request_id, document.bundle_sha256, document.channel)
        for document in (response.document for response in decision.responses)
    }
    if named != {identity} or decision.sequence != sequence:
        raise _changed(bundle.request_id, sequence, "one for another request or other evidence")
    if decision.previous_sha256 != (previous.digest if previous else None):
        raise _changed(bundle.request_id, sequence, "a link to another decision before it")
    if not follows(store, bundle, decision, previous):
        raise _changed(bundle.request_id, sequence, "a state that its responses do not give")
    if previous is not None and decision.agreed != _carried(decision.state, previous):
        raise _changed(bundle.request_id, sequence, "other edits than those approved")
    if previous is not None and decision.by_rule != previous.by_rule:
        raise _changed(bundle.request_id, sequence, "another word on who approved")
    if decision.to_json() != data:
        raise _changed(bundle.request_id, sequence, "other bytes")
    return decision


def _carried(state: ReviewState, before: Decision) -> tuple[JsonObject, ...]:
    """Return the edits that a later decision repeats: a run made again acts on the latest one."""
    return before.edits if state is ReviewState.PROMOTED else ()


def _changed(request_id: str, sequence: int, got: str) -> DigestMismatchError:
    return DigestMismatchError(
        f"expected decision {sequence} of {request_id!r} as it was written (got {got}); "
        "restore it from the store's versions"
    )
