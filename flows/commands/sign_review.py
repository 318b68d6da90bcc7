"""Signing an answer with the reviewer's own key."""

from datetime import UTC, datetime
from pathlib import Path

from feedback.signing import load_key, sign_document
from feedback.upload import SignedDocument, parse_upload


def signed_answer(data: bytes, key: Path) -> bytes:
    """Sign a feedback document; one that is signed already is signed anew.

    Args:
        data: The document.
        key: File of the reviewer's private key.

    Returns:
        The upload: document and signature.

    Raises:
        MalformedDocumentError: If it is not a feedback document.
        ReviewerError: If the key cannot be used.
    """
    document = parse_upload(data).document
    signature = sign_document(document, load_key(key), signed_at=datetime.now(UTC))
    return SignedDocument(document=document, signature=signature).to_json()
