"""Previews: what edits would do, asked through a reviewer's inbox and answered by a worker.

The page computes nothing and writes to its reviewer's inbox alone, so the question lies there; the
answer lies where workers write. Both are named by the digest of the edits without remarks: the same
edits are computed once, whoever asks. A preview decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from feedback.bounded import MAX_BYTES, MAX_DEPTH, read_object
from feedback.bundle import ReviewBundle
from feedback.canonical import canonical_json, sha256_hex
from feedback.channel import load_feedback_channel
from feedback.document import FeedbackDocument, validated
from feedback.errors import BundleMismatchError, MalformedDocumentError, ObjectNotFoundError
from feedback.fields import (
    Exchanged,
    Identifier,
    JsonObject,
    Name,
    Sha256,
    Share,
    StoredDocument,
    Timestamp,
)
from feedback.layout import preview_answer_key, preview_request_key
from feedback.objects import ObjectStore


class PreviewRequest(StoredDocument):
    """A reviewer's question what their edits would do."""

    type: Literal["preview_request"] = "preview_request"
    """Kind of document; never taken for an answer."""
    schema_version: Literal[1] = 1
    """Version of this schema."""
    request_id: Identifier
    """Review request that the edits belong to."""
    bundle_sha256: Sha256
    """Digest of what was shown."""
    channel: Identifier
    """Channel of the edits."""
    reviewer: Identifier
    """Who asks."""
    responses: tuple[JsonObject, ...] = Field(min_length=1, max_length=1000)
    """Edits, in the channel's own schema."""
    created_at: Timestamp
    """When, by the page's clock."""


class PreviewedConcept(Exchanged):
    """How often the concept of an edited slot is found, before and after."""

    class_name: Name
    """Class."""
    slot: Annotated[int, Field(ge=0, le=15)]
    """Position in its graph."""
    before: Name
    """Concept as shown."""
    after: Name
    """Concept after the edits."""
    detection_before: Share
    """Share of the class's images in which the former is found."""
    detection_after: Share
    """Share of the class's images in which the latter is found."""


@dataclass(frozen=True)
class Effect:
    """What a channel computes of edits; a worker writes it into a ``Preview``.

    Attributes:
        concepts: Edited slots.
        accuracy_before: Validation accuracy of a quick reasoner on the graphs as shown.
        accuracy_after: The same on the edited graphs.
        n_images: Validation images.
    """

    concepts: tuple[PreviewedConcept, ...]
    accuracy_before: float
    accuracy_after: float
    n_images: int


class Preview(StoredDocument):
    """What a worker found."""

    schema_version: Literal[1] = 1
    """Version of this schema."""
    request_id: Identifier
    """Review request that the edits belong to."""
    bundle_sha256: Sha256
    """Digest of what was shown."""
    edits_sha256: Sha256
    """Digest of the edits, see ``edits_digest``."""
    failed: Annotated[str, Field(max_length=1000)] = ""
    """Why it could not be computed; empty when it could."""
    concepts: tuple[PreviewedConcept, ...] = Field(default=(), max_length=1024)
    """Edited slots."""
    accuracy_before: Share | None = None
    """Validation accuracy of a quick reasoner on the graphs as shown."""
    accuracy_after: Share | None = None
    """Validation accuracy of a quick reasoner on the edited graphs."""
    n_images: Annotated[int, Field(ge=0)] = 0
    """Validation images."""
    asked_at: Timestamp | None = None
    """When the question was asked that is answered, by the clock of who asked."""
    answered_at: Timestamp
    """When."""


def edits_digest(channel: str, bundle_sha256: str, responses: Sequence[JsonObject]) -> str:
    """Name edits by what they do to what was shown; remarks and order make no difference.

    Args:
        channel: Channel of the edits.
        bundle_sha256: Digest of what was shown.
        responses: Edits in the channel's schema.

    Returns:
        SHA-256.

    Raises:
        MalformedDocumentError: If a response does not follow the schema.
    """
    edit_of = load_feedback_channel(channel).edit_of
    edits = sorted((edit.target, edit.content.decode()) for edit in map(edit_of, responses))
    return sha256_hex(canonical_json([bundle_sha256, edits]))


def request_preview(store: ObjectStore, bundle: ReviewBundle, question: PreviewRequest) -> str:
    """Ask what edits would do: once, and again after an answer that could not be computed.

    Args:
        store: Where the review request lies.
        bundle: The review request.
        question: The edits.

    Returns:
        Digest of the edits, under which the answer will lie.

    Raises:
        FeedbackError: If the edits would be refused as an answer.
        StoreError: If the store cannot be written.
    """
    digest = check_question(bundle, question)
    data = question.to_json()
    key = preview_request_key(bundle.request_id, question.reviewer, digest)
    if not store.put_if_absent(key, data) and not has_result(store, bundle, digest):
        store.put(key, data)  # later than a failure, which makes it a question again
    return digest


def parse_preview_request(data: bytes) -> PreviewRequest:
    """Read a question from an inbox.

    Raises:
        MalformedDocumentError: If it is too large, too deep, not JSON or not of the schema.
    """
    text, _ = read_object(data, max_depth=MAX_DEPTH)
    return validated(PreviewRequest, text)


def answer_preview(store: ObjectStore, preview: Preview) -> None:
    """Put an answer where the page looks for it; only a failure is ever replaced.

    Raises:
        StoreError: If the store cannot be written.
    """
    key = preview_answer_key(preview.request_id, preview.edits_sha256)
    if store.put_if_absent(key, preview.to_json()):
        return
    if not _has_result(store, preview.request_id, preview.bundle_sha256, preview.edits_sha256):
        store.put(key, preview.to_json())


def has_result(store: ObjectStore, bundle: ReviewBundle, digest: str) -> bool:
    """Return whether an answer stands that could be computed.

    Args:
        store: Where the review request lies.
        bundle: The review request.
        digest: Digest of the edits.

    Raises:
        StoreError: If the store cannot be read.
    """
    return _has_result(store, bundle.request_id, bundle.digest, digest)


def _has_result(store: ObjectStore, request_id: str, bundle_sha256: str, digest: str) -> bool:
    try:
        standing = load_preview(store, request_id, bundle_sha256, digest)
    except (BundleMismatchError, MalformedDocumentError):
        return False
    return standing is not None and not standing.failed


def load_preview(
    store: ObjectStore, request_id: str, bundle_sha256: str, digest: str
) -> Preview | None:
    """Read what a worker found.

    Args:
        store: Where the review request lies.
        request_id: The review request.
        bundle_sha256: Digest of what was shown.
        digest: Digest of the edits.

    Returns:
        The answer; None while there is none.

    Raises:
        MalformedDocumentError: If it is not an answer to these edits of this request.
        StoreError: If the store cannot be read.
    """
    try:
        data = store.get(preview_answer_key(request_id, digest), max_bytes=MAX_BYTES)
    except ObjectNotFoundError:
        return None
    text, _ = read_object(data)
    preview = validated(Preview, text)
    if (preview.bundle_sha256, preview.edits_sha256) != (bundle_sha256, digest):
        raise BundleMismatchError(
            "expected a preview of these edits (got one of others); ask for it again"
        )
    return preview


def check_question(bundle: ReviewBundle, question: PreviewRequest) -> str:
    """Judge the edits of a question by the rules of an answer.

    Args:
        bundle: The review request.
        question: The edits.

    Returns:
        Digest of the edits.

    Raises:
        FeedbackError: If the edits would be refused as an answer.
    """
    if (question.request_id, question.bundle_sha256, question.channel) != (
        bundle.request_id,
        bundle.digest,
        bundle.channel,
    ):
        raise BundleMismatchError(
            f"expected edits of request {bundle.request_id!r} as it is shown (got of "
            f"{question.request_id!r}); open the request again"
        )
    document = FeedbackDocument(
        request_id=question.request_id,
        bundle_sha256=question.bundle_sha256,
        channel=question.channel,
        reviewer=question.reviewer,
        nonce="preview-only",
        verdict="approve",
        responses=question.responses,
        created_at=question.created_at,
    )
    load_feedback_channel(bundle.channel).validate_response(bundle, document)
    return edits_digest(bundle.channel, question.bundle_sha256, question.responses)
