"""Who gave an answer, as far as can be proved, and which roles of a policy they speak for."""

from datetime import datetime, timedelta

from feedback.answer import Seat
from feedback.document import FeedbackDocument
from feedback.errors import IdentityError, ReplayError, SignatureError
from feedback.policy import Policy, SignatureKind
from feedback.reviewers import Registry, ReviewerRecord
from feedback.signing import Signature, is_signed_by

_SIGN_AGAIN = "sign your own answer with a key that is enrolled for you"


def identify(
    document: FeedbackDocument,
    signature: Signature | None,
    *,
    arrived_at: datetime,
    registry: Registry,
    policy: Policy,
) -> tuple[Seat, ...]:
    """Verify who answers and find the roles that they speak for.

    Args:
        document: The answer; that it lies in this reviewer's inbox is checked already.
        signature: Its signature, if any.
        arrived_at: When it came in, by the store's clock.
        registry: Reviewers and pages.
        policy: The rule.

    Returns:
        At least one seat.

    Raises:
        IdentityError: If the reviewer is unknown, taken off, or has no role under the policy.
        SignatureError: If the signature is not theirs or not of a kind that their roles may use.
        ReplayError: If it was signed too long before it arrived, or after.
    """
    record = registry.get(document.reviewer)
    if record is not None and (record.kind == "page" or record.revoked_at is not None):
        raise IdentityError(
            f"expected an answer of a person who is enrolled (got {document.reviewer!r}, "
            f"{'a page' if record.kind == 'page' else 'taken off'}); ask the operator"
        )
    kind: SignatureKind = "none"
    if signature is not None:
        _check_clock(signature, arrived_at, policy)
        kind = _verify(document, signature, record, registry)
    seats = _seats(document.reviewer, record, kind, arrived_at, registry, policy)
    if seats:
        return seats
    if _seats(document.reviewer, record, None, arrived_at, registry, policy):
        raise SignatureError(
            f"expected an answer signed as policy {policy.name!r} asks of the role (got "
            f"{_told(kind)}); sign it with 'parley review sign --key', or answer on the page"
        )
    raise IdentityError(
        f"expected a reviewer with a role of policy {policy.name!r} (got {document.reviewer!r}, "
        f"{'without one' if record else 'who is not enrolled'}); ask the operator"
    )


def _check_clock(signature: Signature, arrived_at: datetime, policy: Policy) -> None:
    oldest = arrived_at - timedelta(seconds=policy.clock_window_seconds)
    newest = arrived_at + timedelta(seconds=policy.clock_skew_seconds)
    if not oldest <= signature.signed_at <= newest:
        raise ReplayError(
            f"expected a signature made between {oldest.isoformat(timespec='seconds')} and "
            f"{newest.isoformat(timespec='seconds')} (got "
            f"{signature.signed_at.isoformat(timespec='seconds')}); set the clock and sign again"
        )


def _verify(
    document: FeedbackDocument,
    signature: Signature,
    record: ReviewerRecord | None,
    registry: Registry,
) -> SignatureKind:
    if signature.attested_by is None:
        if record is None or signature.identity is not None:
            raise IdentityError(
                f"expected a signature of an enrolled reviewer (got {document.reviewer!r}, who is "
                "unknown, or a page's claim without its name); ask the operator to enrol you"
            )
        signer, kind = record, "own"
    else:
        page = registry.get(signature.attested_by)
        if page is None or page.kind != "page" or signature.identity != document.reviewer:
            raise IdentityError(
                f"expected an enrolled page that vouches for {document.reviewer!r} (got "
                f"{signature.attested_by!r} for {signature.identity!r}); ask the operator"
            )
        signer, kind = page, "page"
    key = signer.good_key(signature.key_id)
    if key is None:
        known = any(key.key_id == signature.key_id for key in signer.keys)
        raise SignatureError(
            f"expected a key of {signer.id!r} that is good (got {signature.key_id[:12]}, "
            f"{'revoked' if known else 'not theirs'}); {_SIGN_AGAIN}"
        )
    if not is_signed_by(document, signature, key.public_key):
        raise SignatureError(
            f"expected the signature of what the document says (got one that does not fit, by "
            f"{signature.key_id[:12]}); {_SIGN_AGAIN}"
        )
    return "own" if kind == "own" else "page"


def _seats(
    reviewer: str,
    record: ReviewerRecord | None,
    kind: SignatureKind | None,
    at: datetime,
    registry: Registry,
    policy: Policy,
) -> tuple[Seat, ...]:
    """Return the roles that an answer speaks for; ``kind`` None asks whatever the signature."""
    own = [Seat(role=role) for role in _roles(reviewer, record, policy)]
    for delegate in policy.delegates:
        away = registry.get(delegate.from_)
        begun = delegate.since is None or delegate.since <= at
        # Who stands in must be enrolled too, or anybody could claim the other one's roles.
        if delegate.to == reviewer and record is not None and begun and at < delegate.until:
            if away is None or away.revoked_at is not None or away.kind == "page":
                continue
            own += [Seat(role=role, on_behalf_of=away.id) for role in _roles(away.id, away, policy)]
    return tuple(seat for seat in own if kind is None or kind in policy.roles[seat.role].signatures)


def _roles(reviewer: str, record: ReviewerRecord | None, policy: Policy) -> list[str]:
    return [
        name
        for name, rule in sorted(policy.roles.items())
        if (rule.anyone or (record is not None and name in record.roles))
        and (not rule.approvers or reviewer in rule.approvers)
    ]


def _told(kind: SignatureKind) -> str:
    return {"own": "the reviewer's own key", "page": "the page's key", "none": "no signature"}[kind]
