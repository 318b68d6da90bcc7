"""The decision on a request: written once, holding what it was made from, verified when read."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from feedback.bundle import ReviewBundle
from feedback.canonical import canonical_json, sha256_hex
from feedback.document import FeedbackDocument
from feedback.errors import ClosedRequestError, DigestMismatchError
from feedback.fields import Exchanged, Identifier, Name, Sha256, Timestamp
from feedback.inbox import CheckedUpload
from feedback.layout import decision_key, decision_prefix
from feedback.objects import ObjectStore
from feedback.publishing import load_bundle

MAX_DECISION_BYTES = 64 * 2**20
"""Largest decision that is read."""


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


_OF_VERDICT = {
    "approve": ReviewState.APPROVED,
    "reject": ReviewState.REJECTED,
    "request_changes": ReviewState.CHANGES_REQUESTED,
}


class DecidedResponse(Exchanged):
    """A reviewer's document as the decision was made from it."""

    key: Name
    """Object that it was uploaded as."""
    sha256: Sha256
    """Digest of the uploaded bytes."""
    warnings: tuple[str, ...] = Field(default=(), max_length=1000)
    """What the channel warned of."""
    document: FeedbackDocument
    """The document, kept whole: the upload may be overwritten later."""


class Decision(Exchanged):
    """One transition of a request; the first closes it."""

    schema_version: Literal[1] = 1
    """Version of this schema."""
    request_id: Identifier
    """Request that is decided."""
    bundle_sha256: Sha256
    """Digest of the manifest that was shown."""
    channel: Identifier
    """Channel of the responses."""
    sequence: Annotated[int, Field(ge=1, le=9999)] = 1
    """1 closes the request; later ones promote or revoke."""
    previous_sha256: Sha256 | None = None
    """Digest of the decision before; None for the first."""
    state: ReviewState
    """State from here on."""
    policy: Identifier
    """Rule that was applied, such as ``single``."""
    reason: Annotated[str, Field(max_length=4000)] = ""
    """Why, when the responses alone do not say."""
    responses: tuple[DecidedResponse, ...] = Field(default=(), max_length=1000)
    """What reviewers answered."""
    decided_at: Timestamp
    """When it was made."""

    def to_json(self) -> bytes:
        """Return the canonical bytes of the decision."""
        return canonical_json(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        """SHA-256 of the decision."""
        return sha256_hex(self.to_json())

    @property
    def is_approved(self) -> bool:
        """Whether the correction may go on; whatever is not known to be approved is not."""
        return self.state in (ReviewState.APPROVED, ReviewState.PROMOTED)


def decide_single(
    store: ObjectStore,
    bundle: ReviewBundle,
    upload: CheckedUpload,
    *,
    now: datetime | None = None,
) -> Decision:
    """Decide a request by one reviewer's word.

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
    state = _OF_VERDICT[upload.document.verdict]
    return record_decision(store, bundle, state, policy="single", responses=[response], now=now)


def record_decision(
    store: ObjectStore,
    bundle: ReviewBundle,
    state: ReviewState,
    *,
    policy: str,
    responses: Sequence[DecidedResponse] = (),
    reason: str = "",
    now: datetime | None = None,
) -> Decision:
    """Close a request, once.

    Args:
        store: Where the request lies.
        bundle: The request.
        state: Outcome.
        policy: Rule that was applied.
        responses: What it was made from.
        reason: Why, when the responses alone do not say.
        now: Moment of the decision; None takes the clock's.

    Returns:
        The decision; the one that stands already when it says the same.

    Raises:
        ClosedRequestError: If the request was decided otherwise.
        StoreError: If the store cannot be written.
    """
    decision = Decision(
        request_id=bundle.request_id,
        bundle_sha256=bundle.digest,
        channel=bundle.channel,
        state=state,
        policy=policy,
        reason=reason,
        responses=tuple(responses),
        decided_at=now or datetime.now(UTC),
    )
    key = decision_key(bundle.request_id, 1)
    if store.put_if_absent(key, decision.to_json()):
        return decision
    # Two watchers at once, or our own answer that was lost: the object that stands is the truth.
    standing = _read(store, bundle, 1)
    if (standing.state, standing.responses) != (decision.state, decision.responses):
        raise ClosedRequestError(
            f"expected an open request (got {bundle.request_id!r}, {standing.state.value} since "
            f"{standing.decided_at.isoformat()}); answer another one"
        )
    return standing


def load_decision(store: ObjectStore, request_id: str) -> Decision | None:
    """Read the latest decision on a request and verify the chain that leads to it.

    Args:
        store: Where the request lies.
        request_id: Which request.

    Returns:
        The decision, or None while the request is open.

    Raises:
        DigestMismatchError: If a decision is missing, changed, or made for other evidence.
        StoreError: If the store cannot be read.
    """
    keys = [info.key for info in store.list(decision_prefix(request_id))]
    if not keys:
        return None
    expected = [decision_key(request_id, index + 1) for index in range(len(keys))]
    if keys != expected:
        raise DigestMismatchError(
            f"expected decisions {expected[0]!r} to {expected[-1]!r} without a gap "
            f"(got {keys[:3]!r}); restore the store from its versions"
        )
    bundle = load_bundle(store, request_id)
    decision: Decision | None = None
    for sequence in range(1, len(keys) + 1):
        found = _read(store, bundle, sequence)
        if found.previous_sha256 != (decision.digest if decision else None):
            raise _changed(request_id, sequence, "a link to another decision before it")
        decision = found
    return decision


def _read(store: ObjectStore, bundle: ReviewBundle, sequence: int) -> Decision:
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
    if not _follows(decision):
        raise _changed(bundle.request_id, sequence, "a state that its responses do not give")
    if decision.to_json() != data:
        raise _changed(bundle.request_id, sequence, "other bytes")
    return decision


def _follows(decision: Decision) -> bool:
    verdicts = [response.document.verdict for response in decision.responses]
    if decision.policy == "single" and decision.sequence == 1 and verdicts:
        return [_OF_VERDICT[verdict] for verdict in verdicts] == [decision.state]
    # Whatever the policy, nobody is taken to have approved who did not.
    needs_approval = decision.is_approved or decision.state is ReviewState.PARTIAL
    return "approve" in verdicts or not needs_approval or decision.sequence > 1


def _changed(request_id: str, sequence: int, got: str) -> DigestMismatchError:
    return DigestMismatchError(
        f"expected decision {sequence} of {request_id!r} as it was written (got {got}); "
        "restore it from the store's versions"
    )
