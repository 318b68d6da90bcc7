"""Ed25519 keys of reviewers and of the page, and signatures over what a reviewer answered.

A signature stands beside the document and covers its canonical bytes (request, digest of what was
shown, reviewer, nonce, verdict, edits), when it was made, by which key, and for whom the page
attests. Whether the signer may answer at all is decided in ``feedback/identity.py``.
"""

import base64
import binascii
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from feedback.canonical import canonical_json, sha256_hex
from feedback.document import FeedbackDocument
from feedback.errors import ReviewerError
from feedback.fields import Exchanged, Identifier, Sha256, Timestamp

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PublicKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$", max_length=44)]
"""An Ed25519 public key: 32 bytes in base64."""

# Whoever signs something else with the same key cannot be made to have signed an answer.
_PURPOSE = "parley review answer"
_MAX_KEY_FILE = 16_384


class Signature(Exchanged):
    """Who signed a document, when, and the signature."""

    algorithm: Literal["ed25519"] = "ed25519"
    """Kind of signature."""
    key_id: Sha256
    """Digest of the public key."""
    signed_at: Timestamp
    """When, by the signer's clock."""
    attested_by: Identifier | None = None
    """The page that signed for the reviewer; None when the reviewer's own key did."""
    identity: Identifier | None = None
    """Whom the page's proxy vouched for; None with the reviewer's own key."""
    value: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{86}==$", max_length=88)]
    """The signature: 64 bytes in base64."""


@dataclass(frozen=True)
class SigningKey:
    """A private key; its text form never shows it.

    Attributes:
        public_key: The public half, base64.
    """

    private: "Ed25519PrivateKey"
    public_key: str

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id[:12]})"

    @property
    def key_id(self) -> str:
        """Digest that names the key."""
        return key_id_of(self.public_key)


def key_id_of(public_key: str) -> str:
    """Return the name of a key: the SHA-256 of its 32 bytes.

    Raises:
        ReviewerError: If it is not a public key.
    """
    return sha256_hex(_bytes_of(public_key))


def generate_key() -> SigningKey:
    """Make a new key from the system's random source."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return _wrapped(Ed25519PrivateKey.generate())


def save_key(key: SigningKey, path: Path) -> None:
    """Write a private key where its owner alone can read it (mode 0600), as PEM.

    Raises:
        ReviewerError: If there is a file of that name already, or it cannot be written.
    """
    from cryptography.hazmat.primitives import serialization as forms

    pem = key.private.private_bytes(
        forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption()
    )
    try:
        # The mode is given at creation: the key is never readable by others, not for an instant.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(pem)
    except OSError as error:
        raise ReviewerError(
            f"expected to write a new key to {path} (got: {error.strerror}); name another file"
        ) from error


def load_key(path: Path) -> SigningKey:
    """Read a private key that its owner alone can read.

    Raises:
        ReviewerError: If it cannot be read, others could read it, or it is no Ed25519 key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        with path.open("rb") as stream:
            open_to_others = os.fstat(stream.fileno()).st_mode & 0o077
            pem = stream.read(_MAX_KEY_FILE)
    except OSError as error:
        raise ReviewerError(
            f"expected a private key at {path} (got: {error.strerror}); check the path"
        ) from error
    if open_to_others:
        raise ReviewerError(
            f"expected {path} to be readable by its owner alone (got mode {open_to_others:03o} for "
            f"others); run chmod 600 {path}, and enrol a new key if others may have read it"
        )
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise ReviewerError(
            f"expected an Ed25519 key without a password in {path} (got something else); make one "
            "with 'parley reviewers add --generate'"
        )
    return _wrapped(private)


def sign_document(
    document: FeedbackDocument,
    key: SigningKey,
    *,
    signed_at: datetime,
    attested_by: str | None = None,
) -> Signature:
    """Sign what a reviewer answered.

    Args:
        document: The answer.
        key: The reviewer's own key, or the page's.
        signed_at: Now, with its zone.
        attested_by: Name of the page that signs for ``document.reviewer``; None signs as them.

    Returns:
        The signature.
    """
    unsigned = Signature(
        key_id=key.key_id,
        signed_at=signed_at,
        attested_by=attested_by,
        identity=None if attested_by is None else document.reviewer,
        value="A" * 86 + "==",
    )
    value = key.private.sign(_signed_bytes(document, unsigned))
    return unsigned.model_copy(update={"value": base64.b64encode(value).decode()})


def is_signed_by(document: FeedbackDocument, signature: Signature, public_key: str) -> bool:
    """Tell whether a signature over a document was made with a key.

    Args:
        document: The answer.
        signature: Its signature.
        public_key: The key's public half.

    Returns:
        True only if every signed byte is as it was.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    raw = base64.b64decode(signature.value)
    # One spelling per signature: the last digit of base64 has bits that say nothing.
    if base64.b64encode(raw).decode() != signature.value or key_id_of(public_key) != (
        signature.key_id
    ):
        return False
    try:
        known = Ed25519PublicKey.from_public_bytes(_bytes_of(public_key))
        known.verify(raw, _signed_bytes(document, signature))
    except (InvalidSignature, ValueError):
        return False
    return True


def _signed_bytes(document: FeedbackDocument, signature: Signature) -> bytes:
    stated = signature.model_dump(mode="json", exclude={"value"})
    return canonical_json(
        {"purpose": _PURPOSE, "document": document.model_dump(mode="json"), "signature": stated}
    )


def _wrapped(private: "Ed25519PrivateKey") -> SigningKey:
    raw = private.public_key().public_bytes_raw()
    return SigningKey(private, base64.b64encode(raw).decode())


def _bytes_of(public_key: str) -> bytes:
    try:
        raw = base64.b64decode(public_key, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32 or base64.b64encode(raw).decode() != public_key:
        raise ReviewerError(
            f"expected an Ed25519 public key, 32 bytes in base64 (got {public_key[:60]!r}); copy "
            "the line that 'parley reviewers add --generate' printed"
        )
    return raw
