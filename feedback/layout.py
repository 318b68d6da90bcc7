"""Where the objects of a review lie; every key of the exchange is made here.

::

    reviews/<request_id>/manifest.json + bundle/...      frozen
    inbox/<request_id>/<reviewer>/<nonce>.json           the only prefix that reviewers may write
    rejections/<request_id>/<reviewer>/<nonce>.json      why an upload was refused
    decisions/<request_id>/<seq>.json                    written once
"""

import re

from feedback.canonical import sha256_hex

REVIEWS = "reviews/"
"""Prefix of all requests."""

_UPLOAD = re.compile(
    r"inbox/(?P<request>[A-Za-z0-9][A-Za-z0-9_.@-]{0,79})/"
    r"(?P<reviewer>[A-Za-z0-9][A-Za-z0-9_.@-]{0,79})/(?P<nonce>[A-Za-z0-9_-]{8,64})\.json"
)


def manifest_key(request_id: str) -> str:
    """Return the key of a request's manifest."""
    return f"{REVIEWS}{request_id}/manifest.json"


def file_key(request_id: str, name: str) -> str:
    """Return the key of a file of a request's bundle."""
    return f"{REVIEWS}{request_id}/bundle/{name}"


def inbox_prefix(request_id: str) -> str:
    """Return the prefix of the uploads for a request."""
    return f"inbox/{request_id}/"


def upload_key(request_id: str, reviewer: str, nonce: str) -> str:
    """Return the key of a reviewer's upload."""
    return f"{inbox_prefix(request_id)}{reviewer}/{nonce}.json"


def parse_upload_key(key: str) -> tuple[str, str] | None:
    """Return (reviewer, nonce) of an upload's key, or None when it is not formed as one."""
    match = _UPLOAD.fullmatch(key)
    return (match["reviewer"], match["nonce"]) if match else None


def rejection_prefix(request_id: str) -> str:
    """Return the prefix of the rejections of a request."""
    return f"rejections/{request_id}/"


def rejection_key(request_id: str, key: str) -> str:
    """Return the key of the rejection of an upload, whatever its own key looks like."""
    named = parse_upload_key(key)
    if named is None:
        # Two dashes: no reviewer's identifier starts so.
        return f"{rejection_prefix(request_id)}--/{sha256_hex(key.encode('utf-8', 'replace'))}.json"
    return f"{rejection_prefix(request_id)}{named[0]}/{named[1]}.json"


def decision_prefix(request_id: str) -> str:
    """Return the prefix of the decisions on a request."""
    return f"decisions/{request_id}/"


def decision_key(request_id: str, sequence: int) -> str:
    """Return the key of the n-th decision on a request, from 1."""
    return f"{decision_prefix(request_id)}{sequence:04d}.json"
