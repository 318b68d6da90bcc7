"""Reviewers' uploads: handing one in, finding the open ones, accepting or refusing each.

This is the boundary where documents that nobody vouches for come in. Whatever is wrong with one
becomes a rejection that its author can read; the request stays open.
"""

import logging
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from feedback.bounded import shorten
from feedback.bundle import ReviewBundle
from feedback.canonical import sha256_hex
from feedback.channel import load_feedback_channel
from feedback.document import MAX_BYTES, FeedbackDocument
from feedback.errors import (
    AccessDeniedError,
    ArtifactError,
    BundleMismatchError,
    ClosedRequestError,
    ContradictionError,
    DuplicateError,
    FeedbackError,
    IdentityError,
    MalformedDocumentError,
    ObjectNotFoundError,
    ObjectTooLargeError,
    StoreError,
)
from feedback.layout import (
    accepted_prefix,
    decision_prefix,
    inbox_prefix,
    parse_preview_key,
    parse_upload_key,
    receipt_key,
    rejection_key,
    rejection_prefix,
    upload_key,
)
from feedback.objects import ObjectInfo, ObjectStore
from feedback.rejections import reject
from feedback.signing import Signature
from feedback.upload import parse_upload

logger = logging.getLogger(__name__)

MOST_WARNINGS = 1000
"""Warnings that are kept of one answer."""


@dataclass(frozen=True)
class CheckedUpload:
    """An upload that fits its request.

    Attributes:
        key: Object that it was read from.
        sha256: Digest of the bytes.
        document: What it says.
        warnings: Allowed, but probably not what the reviewer wants.
        signature: Its signature, which ``feedback/identity.py`` verifies; None when unsigned.
    """

    key: str
    sha256: str
    document: FeedbackDocument
    warnings: tuple[str, ...] = ()
    signature: Signature | None = None


def submit(store: ObjectStore, request_id: str, reviewer: str, nonce: str, data: bytes) -> str:
    """Hand in a reviewer's document, as the review page and the command line do.

    It is judged by whoever waits for the decision; ``check_upload`` tells beforehand. Whoever may
    write this one prefix and read nothing may hand in too.

    Args:
        store: Where the request lies.
        request_id: Which request.
        reviewer: Whose inbox.
        nonce: One-time name; handing in the same bytes under it again changes nothing.
        data: The document, at most 256 KiB.

    Returns:
        Key of the upload.

    Raises:
        FeedbackError: If a name or the size is not allowed, the request is closed, or the nonce was
            used for another document.
        StoreError: If the store cannot be written.
    """
    key = upload_key(request_id, reviewer, nonce)
    if parse_upload_key(key) != (reviewer, nonce):
        raise MalformedDocumentError(
            f"expected plain names and a nonce of 8 to 64 letters, digits, '_' or '-' "
            f"(got request {request_id[:80]!r}, reviewer {reviewer[:80]!r}, nonce {nonce[:80]!r})"
        )
    if len(data) > MAX_BYTES:
        raise MalformedDocumentError(
            f"expected at most {MAX_BYTES} bytes (got {len(data)}); shorten comments and reasons"
        )
    # Who may not look is told by a rejection.
    with suppress(AccessDeniedError):
        _check_open(store, request_id)
    if not store.put_if_absent(key, data) and _standing(store, key) != data:
        raise ContradictionError(
            f"expected a nonce that was not used before (got {nonce!r}); take a new one"
        )
    return key


def _standing(store: ObjectStore, key: str) -> bytes:
    try:
        return store.get(key, max_bytes=MAX_BYTES)
    except AccessDeniedError:
        raise DuplicateError(
            f"expected a nonce that was not used before (got {key!r}, which lies there and may not "
            "be read with this key: perhaps this very answer); wait for the decision, or take a "
            "new nonce"
        ) from None


def pending(store: ObjectStore, request_id: str) -> Sequence[ObjectInfo]:
    """Find the uploads for a request that nobody has judged yet.

    Args:
        store: Where the request lies.
        request_id: Which request.

    Returns:
        Uploads, those that arrived first by the store's clock first.
    """
    judged = {info.key for info in store.list(rejection_prefix(request_id))}
    judged |= {info.key for info in store.list(accepted_prefix(request_id))}
    return unjudged(request_id, store.list(inbox_prefix(request_id)), judged)


def unjudged(
    request_id: str, uploads: Sequence[ObjectInfo], judged: AbstractSet[str]
) -> Sequence[ObjectInfo]:
    """Find the uploads that have neither a rejection nor a receipt.

    Args:
        request_id: Which request.
        uploads: What lies in its inbox.
        judged: Keys of the rejections and receipts.

    Returns:
        Uploads, those that arrived first by the store's clock first; questions to a preview's
        worker are none.
    """
    left = [
        info
        for info in uploads
        if parse_preview_key(info.key) is None and not judged & _traces(request_id, info.key)
    ]
    return sorted(left, key=lambda info: (info.modified, info.key))


def check_upload(
    bundle: ReviewBundle, data: bytes, *, key: str | None = None, reviewer: str | None = None
) -> CheckedUpload:
    """Judge a document by the request that it answers.

    Args:
        bundle: The request.
        data: Uploaded bytes.
        key: Where they lie; the document must name the same reviewer and nonce. None takes the
            document's own word, for a check before it is handed in.
        reviewer: Who is known to have written it, if somebody is.

    Returns:
        The document with warnings.

    Raises:
        FeedbackError: If it is refused; the message is meant for its author.
    """
    parsed = parse_upload(data)
    document = parsed.document
    own_key = upload_key(document.request_id, document.reviewer, document.nonce)
    for what, expected, got in (
        ("request", bundle.request_id, document.request_id),
        ("bundle_sha256", bundle.digest, document.bundle_sha256),
        ("channel", bundle.channel, document.channel),
    ):
        if got != expected:
            raise BundleMismatchError(
                f"expected {what} {expected!r} (got {got!r}); open the request again and answer "
                "what it shows now"
            )
    if (key or own_key) != own_key or (reviewer or document.reviewer) != document.reviewer:
        raise IdentityError(
            f"expected the reviewer and nonce under which it was handed in (got reviewer "
            f"{document.reviewer!r}, nonce {document.nonce!r}); hand in your own document"
        )
    warnings = load_feedback_channel(bundle.channel).validate_response(bundle, document)
    if len(warnings) > MOST_WARNINGS:
        left_out = len(warnings) - MOST_WARNINGS + 1
        warnings = (*warnings[: MOST_WARNINGS - 1], f"{left_out} more warnings are left out")
    return CheckedUpload(own_key, sha256_hex(data), document, warnings, parsed.signature)


def examine(
    store: ObjectStore,
    bundle: ReviewBundle,
    upload: ObjectInfo,
    *,
    now: datetime | None = None,
    accept: Callable[[CheckedUpload, bytes], object] | None = None,
) -> CheckedUpload | None:
    """Accept an upload, or write why it is refused.

    Args:
        store: Where the request lies.
        bundle: The request.
        upload: One of ``pending``.
        now: Moment written into a rejection; None takes the clock's.
        accept: Given a document that fits the request; may refuse it by raising FeedbackError.

    Returns:
        The document, or None when it was refused or is gone.

    Raises:
        StoreError: If the store cannot be read or written; the upload stays pending.
    """
    data: bytes | None = None
    try:
        if parse_upload_key(upload.key) is None:
            raise MalformedDocumentError(
                "expected an upload at inbox/<request>/<reviewer>/<nonce>.json (got "
                f"{shorten(upload.key, 160)}); hand it in with 'parley review submit' or the "
                "review page"
            )
        data = store.get(upload.key, max_bytes=MAX_BYTES)
        _check_open(store, bundle.request_id)
        checked = check_upload(bundle, data, key=upload.key)
        if accept is not None:
            accept(checked, data)
        return checked
    except ObjectNotFoundError:
        return None
    except ObjectTooLargeError as error:
        refusal: Exception = MalformedDocumentError(f"{error}; shorten comments and reasons")
    except (StoreError, ArtifactError):
        # The store's trouble, not the reviewer's: the upload stays as it is.
        raise
    except FeedbackError as error:
        refusal = error
    except Exception as error:
        # A flaw of ours in reading hostile bytes must not stop the watcher: it fails closed.
        logger.exception("an upload for %s could not be judged", bundle.request_id)
        refusal = MalformedDocumentError(
            f"expected a document that can be judged (got {type(error).__name__}); report this"
        )
    is_late = isinstance(refusal, ClosedRequestError)
    if is_late and store.exists(receipt_key(bundle.request_id, upload.key)):
        # Another watcher accepted it, and perhaps closed the request by it, since it was listed.
        return None
    reject(store, bundle.request_id, upload.key, refusal, data=data, now=now)
    return None


def _traces(request_id: str, key: str) -> AbstractSet[str]:
    rejected = rejection_key(request_id, key)
    return {rejected} if parse_upload_key(key) is None else {rejected, receipt_key(request_id, key)}


def _check_open(store: ObjectStore, request_id: str) -> None:
    if store.list(decision_prefix(request_id)):
        raise ClosedRequestError(
            f"expected an open request (got {request_id!r}, which is decided); answer another one"
        )
