"""Whether the responses in a stored decision were given by those whom it names.

Nobody who can merely write decisions can make one up: it takes the keys of enough reviewers.
"""

from collections.abc import Callable, Sequence

from feedback.decision import DecidedResponse
from feedback.policy import Policy, SignatureKind
from feedback.reviewers import Registry
from feedback.signing import is_signed_by


def are_genuine(
    responses: Sequence[DecidedResponse], registry: Callable[[], Registry], policy: Policy
) -> bool:
    """Tell whether every response is signed, and its roles are held, as the policy asks.

    A key or reviewer that was taken off after the decision does not undo it, so whether they still
    are good is not asked; that they were enrolled is.

    Args:
        responses: What a decision was made from.
        registry: Reads reviewers and pages; not called when nobody has to be enrolled or signed.
        policy: The rule of the decision.

    Returns:
        True only if all of them are.

    Raises:
        StoreError: If the registry cannot be read.
    """
    is_open = all(rule.anyone for rule in policy.roles.values())
    if is_open and not any(response.signature for response in responses):
        return all(_may_speak(response, Registry(), policy, "none") for response in responses)
    known = registry()
    return all(_is_genuine(response, known, policy) for response in responses)


def _is_genuine(response: DecidedResponse, registry: Registry, policy: Policy) -> bool:
    signature, document = response.signature, response.document
    if signature is None:
        return _may_speak(response, registry, policy, "none")
    signer = registry.get(signature.attested_by or document.reviewer)
    is_page = signature.attested_by is not None
    if signer is None or (signer.kind == "page") != is_page:
        return False
    if is_page and signature.identity != document.reviewer:
        return False
    keys = [key.public_key for key in signer.keys if key.key_id == signature.key_id]
    is_signed = any(is_signed_by(document, signature, key) for key in keys)
    return is_signed and _may_speak(response, registry, policy, "page" if is_page else "own")


def _may_speak(
    response: DecidedResponse, registry: Registry, policy: Policy, kind: SignatureKind
) -> bool:
    for seat in response.seats:
        rule = policy.roles.get(seat.role)
        holder = seat.on_behalf_of or response.document.reviewer
        record = registry.get(holder)
        if rule is None or kind not in rule.signatures:
            return False
        if rule.approvers and holder not in rule.approvers:
            return False
        if not rule.anyone and (record is None or seat.role not in record.roles):
            return False
        stands_in = (holder, response.document.reviewer)
        delegated = {(delegate.from_, delegate.to) for delegate in policy.delegates}
        if seat.on_behalf_of is not None and stands_in not in delegated:
            return False
    return True
