"""The feedback document: one reviewer's answer to one request, read from bytes nobody vouches for.

Size and depth are bounded before anything is parsed, and the schema is strict: what is not exactly
as expected is refused with a reason, never repaired.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from feedback.bounded import MAX_BYTES, MAX_DEPTH, read_object, shorten
from feedback.canonical import canonical_json
from feedback.errors import MalformedDocumentError, SchemaVersionError
from feedback.fields import (
    Comment,
    Grown,
    Identifier,
    JsonObject,
    Name,
    Nonce,
    Sha256,
    StoredDocument,
    Timestamp,
)

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

SCHEMA_VERSION = 1
"""Version of the document that this Parley reads."""

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "FeedbackDocument",
    "check_version",
    "parse_document",
    "read_responses",
    "validated",
]

Response = TypeVar("Response", bound=BaseModel)


MOST_SECONDS = 1e7
"""Longest time that an answer may say, seconds."""

Seconds = Annotated[float, Field(ge=0, le=MOST_SECONDS)]
"""How long somebody looked, seconds."""


class FeedbackDocument(Grown, StoredDocument):
    """One reviewer's answer."""

    LATER: ClassVar = ("seconds_by_item",)

    schema_version: Literal[1] = 1
    """Version of this schema."""
    request_id: Identifier
    """Request that is answered."""
    bundle_sha256: Sha256
    """Digest of the manifest that was shown."""
    channel: Identifier
    """Channel of the request."""
    reviewer: Identifier
    """Who answers."""
    nonce: Nonce
    """Reviewer's one-time name of this answer."""
    verdict: Literal["approve", "reject", "request_changes"]
    """Approve (with the responses' edits, if any), reject, or ask for another round."""
    responses: tuple[JsonObject, ...] = Field(default=(), max_length=1000)
    """Edits, in the channel's own schema."""
    comment: Comment = ""
    """Free text."""
    created_at: Timestamp
    """When it was written, by the reviewer's clock."""
    seconds_spent: Seconds | None = None
    """Time that the reviewer looked at the request, seconds."""
    seconds_by_item: dict[Name, Seconds] | None = Field(default=None, max_length=10_000)
    """Time that each item was open, by its id, seconds; items that were not opened are left out."""


def parse_document(data: bytes) -> FeedbackDocument:
    """Read a feedback document from an upload.

    Args:
        data: Uploaded bytes.

    Returns:
        The document; its responses are JSON still, see ``read_responses``.

    Raises:
        MalformedDocumentError: If it is too large, too deep, not JSON or not of the schema.
        SchemaVersionError: If it is of a version that this Parley does not read.
    """
    text, value = read_object(data)
    check_version(value)
    return validated(FeedbackDocument, text)


def check_version(value: dict[str, object]) -> None:
    """Refuse a document of another version before its fields are judged.

    Args:
        value: The document as JSON.

    Raises:
        MalformedDocumentError: If it names no version.
        SchemaVersionError: If this Parley does not read that version.
    """
    version = value.get("schema_version")
    if type(version) is not int:
        raise MalformedDocumentError(
            f"expected an integer schema_version (got {shorten(version)}); write {SCHEMA_VERSION}"
        )
    if version != SCHEMA_VERSION:
        raise SchemaVersionError(
            f"expected schema_version {SCHEMA_VERSION} (got {shorten(version)}); "
            "write the document with the same version of Parley that published the request"
        )


def read_responses(responses: Sequence[JsonObject], model: type[Response]) -> tuple[Response, ...]:
    """Read responses in their channel's schema.

    Args:
        responses: JSON objects, as a document holds them.
        model: The channel's response.

    Returns:
        Responses in the same order.

    Raises:
        MalformedDocumentError: If one does not follow the schema.
    """
    return tuple(
        validated(model, canonical_json(response).decode(), f"responses.{index}")
        for index, response in enumerate(responses)
    )


def validated(model: type[Response], text: str, where: str = "") -> Response:
    """Read JSON text strictly as a model.

    Args:
        model: What it must be.
        text: JSON.
        where: Where in a larger document the text stood, for the message.

    Returns:
        The model's instance.

    Raises:
        MalformedDocumentError: If the text does not follow the model's schema.
    """
    try:
        # In JSON a field has one name, its alias; both names would make two ways to say one thing.
        return model.model_validate_json(text, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        found = error.errors(include_url=False)[:3]
        problems = "; ".join(_problem(where, details) for details in found)
        raise MalformedDocumentError(
            f"expected the schema of {model.__name__} (got {error.error_count()} problems, "
            f"{problems}); correct these fields, or begin with the template that 'parley review "
            "show --files' writes"
        ) from None


def _problem(where: str, details: "ErrorDetails") -> str:
    """Tell what was wrong with one field, and what came instead where that is short to say."""
    place = ".".join(filter(None, (where, *(str(part) for part in details["loc"]))))
    given = details["input"]
    came = "" if isinstance(given, dict | list) else f", not {shorten(given, 60)}"
    # Names of fields may be a hostile document's own.
    return f"{repr(place)[1:-1][:120]}: {repr(details['msg'])[1:-1][:160]}{came}"
