"""The feedback document: one reviewer's answer to one request, read from bytes nobody vouches for.

Size and depth are bounded before anything is parsed, and the schema is strict: what is not exactly
as expected is refused with a reason, never repaired.
"""

import json
import math
import re
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from feedback.canonical import canonical_json
from feedback.errors import MalformedDocumentError, SchemaVersionError
from feedback.fields import Comment, Exchanged, Identifier, JsonObject, Nonce, Sha256, Timestamp

SCHEMA_VERSION = 1
"""Version of the document that this Parley reads."""

MAX_BYTES = 262_144
"""Largest upload, bytes."""

MAX_DEPTH = 16
"""Deepest nesting of arrays and objects."""

_MAX_DIGITS = 40
# Possessive, so that the scan is linear in the length whatever the text.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?+|[\[{]|[\]}]', re.DOTALL)

Response = TypeVar("Response", bound=BaseModel)


class FeedbackDocument(Exchanged):
    """One reviewer's answer."""

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
    seconds_spent: Annotated[float, Field(ge=0, le=1e7)] | None = None
    """Time that the reviewer looked at the request, seconds."""

    def to_json(self) -> bytes:
        """Return the canonical bytes of the document."""
        return canonical_json(self.model_dump(mode="json"))


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
    text = _decode(data)
    _check_depth(text)
    value = _load(text)
    if not isinstance(value, dict):
        raise MalformedDocumentError(
            f"expected a JSON object (got {type(value).__name__}); upload a feedback document"
        )
    version = value.get("schema_version")
    if type(version) is not int:
        raise MalformedDocumentError(
            f"expected an integer schema_version (got {_short(version)}); write {SCHEMA_VERSION}"
        )
    if version != SCHEMA_VERSION:
        raise SchemaVersionError(
            f"expected schema_version {SCHEMA_VERSION} (got {_short(version)}); "
            "write the document with the same version of Parley that published the request"
        )
    return _validated(FeedbackDocument, text)


def read_responses(document: FeedbackDocument, model: type[Response]) -> tuple[Response, ...]:
    """Read a document's responses in its channel's schema.

    Args:
        document: Parsed document.
        model: The channel's response.

    Returns:
        Responses in the document's order.

    Raises:
        MalformedDocumentError: If one does not follow the schema.
    """
    return tuple(
        _validated(model, canonical_json(response).decode(), f"responses.{index}")
        for index, response in enumerate(document.responses)
    )


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise MalformedDocumentError(
            f"expected at most {MAX_BYTES} bytes (got {len(data)}); shorten comments and reasons"
        )
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise MalformedDocumentError(
            "expected UTF-8 without a byte order mark (got one); save the file without it"
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedDocumentError(
            f"expected UTF-8 (got an invalid byte at {error.start}); save the file as UTF-8"
        ) from error


def _check_depth(text: str) -> None:
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise MalformedDocumentError(
                    f"expected at most {MAX_DEPTH} levels of nesting (got more); flatten it"
                )
        elif token in "]}":
            depth -= 1


def _load(text: str) -> object:
    try:
        value: object = json.loads(
            text,
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_bounded,
        )
    except json.JSONDecodeError as error:
        raise MalformedDocumentError(
            f"expected JSON (got: {error.msg} at line {error.lineno}, column {error.colno}); "
            "correct it there"
        ) from error
    return value


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # Readers disagree on which of two equal keys counts; a signed document must read one way.
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise MalformedDocumentError(
                f"expected each key once (got {_short(name)} twice); leave one out"
            )
        found[name] = value
    return found


def _refuse_constant(name: str) -> object:
    raise MalformedDocumentError(f"expected finite numbers (got {name}); leave the field out")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise MalformedDocumentError(
            f"expected finite numbers (got {_short(digits)}); leave the field out"
        )
    return number


def _bounded(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise MalformedDocumentError(
            f"expected integers of at most {_MAX_DIGITS} digits (got {len(digits)}); shorten it"
        )
    return int(digits)


def _validated(model: type[Response], text: str, where: str = "") -> Response:
    try:
        # In JSON a field has one name, its alias; both names would make two ways to say one thing.
        return model.model_validate_json(text, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        problems = [
            f"{'.'.join(filter(None, (where, *(str(part) for part in details['loc']))))}: "
            f"{details['msg']}"
            for details in error.errors(include_url=False, include_input=False)[:3]
        ]
        raise MalformedDocumentError(
            f"expected the schema of {model.__name__} (problems: {error.error_count()}, got "
            f"{_short('; '.join(problems), 400)}); correct it"
        ) from None


def _short(value: object, length: int = 80) -> str:
    # repr, so that control characters of a hostile document do not reach a terminal or a page.
    text = repr(value)
    return text if len(text) <= length else f"{text[:length]}..."
