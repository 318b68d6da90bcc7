"""Where the objects of a review lie; every key of the exchange is made here.

::

    reviews/<request_id>/manifest.json + bundle/...      frozen
    inbox/<request_id>/<reviewer>/<nonce>.json           the only prefix that reviewers may write
    inbox/<request_id>/<reviewer>/previews/<sha256>.json asks what edits would do
    previews/<request_id>/<sha256>.json                  what a worker found
    rejections/<request_id>/<reviewer>/<nonce>.json      why an upload was refused
    accepted/<request_id>/<reviewer>/<nonce>.json        a valid upload as it was first seen
    notices/<request_id>/<id>.json                       who was reminded of what
    waiting/<request_id>/<flow_run>.json                 runs to be woken by the decision
    decisions/<request_id>/<seq>.json                    written once
    policies/<sha256>.json                               rules that decisions were made by
    reviewers/<id>.json                                  who may answer; operators alone write it
    reviewers/<id>/<seq>.json                            the record as changed; the latest counts
    audit/start.json, audit/<yyyy-mm>/<seq>.json         hash chain
    promotions/<model>/<seq>.json                        moves of the champion
    promotions/<model>/<seq>.done                        the aliases were seen to follow
    intake/...                                           unlabelled images from use
    intaken/<sha256>.json                                what became of each of them
    probe/<anything>                                     written and removed to try the store out
"""

import re

from feedback.canonical import sha256_hex

REVIEWS = "reviews/"
"""Prefix of all requests."""

INBOX = "inbox/"
"""Prefix of all uploads."""

REJECTIONS = "rejections/"
"""Prefix of all rejections."""

ACCEPTED = "accepted/"
"""Prefix of all receipts."""

DECISIONS = "decisions/"
"""Prefix of all decisions."""

REVIEWERS = "reviewers/"
"""Prefix of the reviewers' records."""

WAITING = "waiting/"
"""Prefix of the runs that wait without a process."""

AUDIT = "audit/"
"""Prefix of the audit log."""

AUDIT_START = f"{AUDIT}start.json"
"""Key of the object that the audit log's chain hangs from."""

PROMOTIONS = "promotions/"
"""Prefix of the moves of the champion."""

PROBE = "probe/"
"""Prefix of objects that only show whether the store keeps its promise."""

INTAKE = "intake/"
"""Prefix of unlabelled images from use; whoever may put them names them as they like."""

INTAKEN = "intaken/"
"""Prefix of the receipts of such images."""

NOWHERE = "--"
"""Stands for a request that an upload's key does not name properly; no request is called so."""

_UPLOAD = re.compile(
    r"inbox/(?P<request>[A-Za-z0-9][A-Za-z0-9_.@-]{0,79})/"
    r"(?P<reviewer>[A-Za-z0-9][A-Za-z0-9_.@-]{0,79})/(?P<nonce>[A-Za-z0-9_-]{8,64})\.json"
)

_PREVIEW = re.compile(
    r"inbox/(?P<request>[A-Za-z0-9][A-Za-z0-9_.@-]{0,79})/"
    r"(?P<reviewer>[A-Za-z0-9][A-Za-z0-9_.@-]{0,79})/previews/(?P<digest>[0-9a-f]{64})\.json"
)

_REVIEWER = re.compile(
    r"reviewers/(?P<name>[A-Za-z0-9][A-Za-z0-9_.@-]{0,79})(/(?P<sequence>[0-9]{4,9}))?\.json"
)

_REQUEST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,79}")


def manifest_key(request_id: str) -> str:
    """Return the key of a request's manifest."""
    return f"{REVIEWS}{request_id}/manifest.json"


def file_key(request_id: str, name: str) -> str:
    """Return the key of a file of a request's bundle."""
    return f"{REVIEWS}{request_id}/bundle/{name}"


def inbox_prefix(request_id: str) -> str:
    """Return the prefix of the uploads for a request."""
    return f"{INBOX}{request_id}/"


def upload_key(request_id: str, reviewer: str, nonce: str) -> str:
    """Return the key of a reviewer's upload."""
    return f"{inbox_prefix(request_id)}{reviewer}/{nonce}.json"


def parse_upload_key(key: str) -> tuple[str, str] | None:
    """Return (reviewer, nonce) of an upload's key, or None when it is not formed as one."""
    match = _UPLOAD.fullmatch(key)
    return (match["reviewer"], match["nonce"]) if match else None


def preview_request_key(request_id: str, reviewer: str, digest: str) -> str:
    """Return the key under which a reviewer asks what edits would do."""
    return f"{inbox_prefix(request_id)}{reviewer}/previews/{digest}.json"


def parse_preview_key(key: str) -> tuple[str, str] | None:
    """Return (reviewer, digest) of a preview request's key, or None when it is not one."""
    match = _PREVIEW.fullmatch(key)
    return (match["reviewer"], match["digest"]) if match else None


def preview_answer_prefix(request_id: str) -> str:
    """Return the prefix of what workers found about edits of a request."""
    return f"previews/{request_id}/"


def preview_answer_key(request_id: str, digest: str) -> str:
    """Return the key of what a worker found about edits."""
    return f"{preview_answer_prefix(request_id)}{digest}.json"


def rejection_prefix(request_id: str) -> str:
    """Return the prefix of the rejections of a request."""
    return f"{REJECTIONS}{request_id}/"


def rejection_key(request_id: str, key: str) -> str:
    """Return the key of the rejection of an upload, whatever its own key looks like."""
    named = parse_upload_key(key)
    if named is None:
        # Two dashes: no reviewer's identifier starts so.
        return f"{rejection_prefix(request_id)}--/{sha256_hex(key.encode('utf-8', 'replace'))}.json"
    return f"{rejection_prefix(request_id)}{named[0]}/{named[1]}.json"


def decision_prefix(request_id: str) -> str:
    """Return the prefix of the decisions on a request."""
    return f"{DECISIONS}{request_id}/"


def decision_key(request_id: str, sequence: int) -> str:
    """Return the key of the n-th decision on a request, from 1."""
    return f"{decision_prefix(request_id)}{sequence:04d}.json"


def is_request(name: str) -> bool:
    """Tell whether a part of a key can be the id of a request."""
    return _REQUEST.fullmatch(name) is not None


def request_of(key: str) -> str:
    """Return the request that a key of the exchange belongs to, or ``NOWHERE``."""
    parts = key.split("/")
    return parts[1] if len(parts) > 2 and _REQUEST.fullmatch(parts[1]) else NOWHERE


def accepted_prefix(request_id: str) -> str:
    """Return the prefix of the receipts of a request."""
    return f"{ACCEPTED}{request_id}/"


def receipt_key(request_id: str, key: str) -> str:
    """Return the key of the receipt of a well-named upload.

    Raises:
        ValueError: If the upload's key is not formed as one.
    """
    named = parse_upload_key(key)
    if named is None:
        raise ValueError(f"expected the key of an upload (got {key[:200]!r})")
    return f"{accepted_prefix(request_id)}{named[0]}/{named[1]}.json"


def notice_key(request_id: str, name: str) -> str:
    """Return the key of a notice on a request."""
    return f"notices/{request_id}/{name}.json"


def waiting_key(request_id: str, flow_run: str) -> str:
    """Return the key of the note that a run waits for a request's decision."""
    return f"{WAITING}{request_id}/{flow_run}.json"


def policy_key(digest: str) -> str:
    """Return the key of the policy with a digest."""
    return f"policies/{digest}.json"


def reviewer_key(name: str, sequence: int = 1) -> str:
    """Return the key of the n-th record of a reviewer, from 1."""
    return f"{REVIEWERS}{name}{'' if sequence == 1 else f'/{sequence:04d}'}.json"


def parse_reviewer_key(key: str) -> tuple[str, int] | None:
    """Return (name, sequence) of a reviewer's record, or None when the key is not formed as one."""
    match = _REVIEWER.fullmatch(key)
    if match is None:
        return None
    named = (match["name"], int(match["sequence"] or 1))
    return named if reviewer_key(*named) == key else None


def audit_key(month: str, sequence: int) -> str:
    """Return the key of the n-th entry of the audit log, filed under ``month`` (``yyyy-mm``)."""
    return f"{AUDIT}{month}/{sequence:08d}.json"


def promotion_prefix(model: str) -> str:
    """Return the prefix of the moves of a model's champion."""
    return f"{PROMOTIONS}{model}/"


def promotion_key(model: str, sequence: int) -> str:
    """Return the key of the n-th move of a model's champion, from 1."""
    return f"{promotion_prefix(model)}{sequence:06d}.json"


def promotion_done_key(model: str, sequence: int) -> str:
    """Return the key of the note that the aliases followed the n-th move."""
    return f"{promotion_prefix(model)}{sequence:06d}.done"


def probe_key(name: str) -> str:
    """Return the key of an object that is written and removed to try the store out."""
    return f"{PROBE}{name}"


def intaken_key(digest: str) -> str:
    """Return the key of the receipt of an image from use."""
    return f"{INTAKEN}{digest}.json"
