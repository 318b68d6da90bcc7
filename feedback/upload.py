"""What lies in an inbox: a feedback document, alone or together with its signature."""

from dataclasses import dataclass
from typing import Literal

from feedback.bounded import MAX_DEPTH, read_object
from feedback.document import FeedbackDocument, check_version, parse_document, validated
from feedback.errors import MalformedDocumentError
from feedback.fields import StoredDocument
from feedback.signing import Signature


class SignedDocument(StoredDocument):
    """A document and the signature over it, uploaded as one object so that neither comes alone."""

    schema_version: Literal[1] = 1
    """Version of this schema."""
    document: FeedbackDocument
    """What the reviewer answered."""
    signature: Signature
    """Who signed it."""


@dataclass(frozen=True)
class Upload:
    """A parsed upload.

    Attributes:
        document: What the reviewer answered.
        signature: Its signature, not verified yet; None for a bare document.
    """

    document: FeedbackDocument
    signature: Signature | None = None


def parse_upload(data: bytes) -> Upload:
    """Read an upload, signed or not.

    Args:
        data: Uploaded bytes.

    Returns:
        The document and its signature, which is not verified here.

    Raises:
        MalformedDocumentError: If it is too large, too deep, not JSON or not of the schema.
        SchemaVersionError: If it is of a version that this Parley does not read.
    """
    # A signed document is wrapped once, so the whole is one level deeper.
    text, value = read_object(data, max_depth=MAX_DEPTH + 1)
    if "signature" not in value:
        return Upload(parse_document(data))
    check_version(value)
    document = value.get("document")
    if not isinstance(document, dict):
        raise MalformedDocumentError(
            f"expected the signed document as an object (got {type(document).__name__}); sign it "
            "with 'parley review sign'"
        )
    check_version(document)
    signed = validated(SignedDocument, text)
    return Upload(signed.document, signed.signature)
