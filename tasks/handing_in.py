"""Handing in a person's answer, also with a key of the store that may write their inbox alone."""

from dataclasses import dataclass
from pathlib import Path

from feedback import exchange
from feedback.attention import check_attention
from feedback.bundle import ReviewBundle, parse_bundle
from feedback.document import FeedbackDocument
from feedback.errors import (
    AccessDeniedError,
    ArtifactError,
    BundleMismatchError,
    DuplicateError,
)
from feedback.layout import rejection_key, upload_key
from feedback.objects import ObjectStore
from feedback.policy import Policy, single_policy
from feedback.publishing import MAX_MANIFEST_BYTES
from feedback.upload import parse_upload
from tasks.exchange import check_deadline, closed_error


@dataclass(frozen=True)
class HandedIn:
    """An answer that lies in its inbox.

    Attributes:
        key: Key of the upload.
        remark: What could not be checked beforehand, and who judges it; empty when all was.
    """

    key: str
    remark: str = ""


def hand_in(
    objects: ObjectStore,
    request_id: str,
    data: bytes,
    policy: Policy | None = None,
    *,
    bundle: ReviewBundle | None = None,
) -> HandedIn:
    """Hand in a person's document once, and say so when it is late, superfluous or refused.

    What the store denies to be read is left to the watcher, which judges every upload anyhow.

    Args:
        objects: The object store.
        request_id: The request it must be for.
        data: The document.
        policy: The gate's rule, which says when the request closes; None takes ``single``.
        bundle: The request as a file of it tells, for a key that may not read the store's.

    Returns:
        Where it lies, and what was not checked.

    Raises:
        FeedbackError: If the document is refused; nothing was handed in then.
        ObjectNotFoundError: If there is no such request.
    """
    try:
        bundle, may_read = exchange.load_bundle(objects, request_id), True
    except AccessDeniedError:
        may_read = False
    document = parse_upload(data).document
    if bundle is not None:
        exchange.check_upload(bundle, data)
        check_attention(bundle, document, policy or single_policy())
        check = "against its file, but not whether the request is still open"
    elif document.request_id == request_id:
        check = "for its form alone; --bundle manifest.json checks it against the request"
    else:
        raise BundleMismatchError(
            f"expected an answer to {request_id!r} (got one to {document.request_id!r}); hand in "
            "the other file"
        )
    key = upload_key(request_id, document.reviewer, document.nonce)
    if may_read:
        _check_standing(objects, document)
    if bundle is not None:
        check_deadline(bundle, policy)
    exchange.submit(objects, request_id, document.reviewer, document.nonce, data)
    if may_read:
        return HandedIn(key)
    return HandedIn(
        key,
        f"this key of the store may not read the request: the answer was checked {check}. The "
        f"watcher judges it; a refusal would lie at {rejection_key(request_id, key)} and on the "
        "review page",
    )


def read_manifest(path: Path, request_id: str) -> ReviewBundle:
    """Read a request from the file that ``parley review show --files`` wrote.

    Args:
        path: The file.
        request_id: The request it must be of.

    Returns:
        The request.

    Raises:
        BundleMismatchError: If it cannot be read, or is not that request as it was published.
    """
    remedy = f"write it with `parley review show {request_id} --files FOLDER`"
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise BundleMismatchError(
            f"expected a manifest at {path} (got: {error.strerror}); {remedy}"
        ) from error
    try:
        return parse_bundle(data, request_id)
    except ArtifactError:
        raise BundleMismatchError(
            f"expected the manifest of {request_id!r} in {path} (got another file, or changed "
            f"bytes); {remedy}"
        ) from None


def _check_standing(objects: ObjectStore, document: FeedbackDocument) -> None:
    request_id, reviewer, nonce = document.request_id, document.reviewer, document.nonce
    try:
        decision = exchange.load_decision(objects, request_id)
        is_there = objects.exists(upload_key(request_id, reviewer, nonce))
    except AccessDeniedError:
        # A policy may let reviewers read what they are asked, and nothing else.
        return
    if decision is not None:
        raise closed_error(request_id, decision)
    if is_there:
        raise DuplicateError(
            f"expected a document that was not handed in before (got the nonce {nonce!r} of "
            f"{reviewer!r} again); wait for the decision, or answer under a new nonce"
        )
