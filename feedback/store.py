"""The object store at an address: a local folder, or a bucket and prefix of any S3."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from feedback.errors import StoreError
from feedback.local import LocalStore
from feedback.objects import ObjectInfo, ObjectStore
from feedback.patient import BRIEF_PATIENCE, PATIENCE, PatientStore
from feedback.probing import probe_conditional_writes

__all__ = ["BRIEF_PATIENCE", "PATIENCE", "LocalStore", "ObjectInfo", "ObjectStore", "open_store"]


def open_store(
    url: str | Path,
    *,
    endpoint: str | None = None,
    probe: bool = True,
    patience: float = PATIENCE,
) -> ObjectStore:
    """Open the object store at an address.

    Args:
        url: A folder, ``file:///folder`` or ``s3://bucket/prefix``.
        endpoint: Address of the S3 service; None takes the AWS environment variables' one.
        probe: Check first that the store can be written and keeps its promise of one winner.
        patience: Longest outage of an S3 service that every call sits out, seconds.

    Returns:
        The store.

    Raises:
        StoreError: If the address is not understood, or the store cannot be written or trusted.
    """
    text = str(url)
    if isinstance(url, Path) or "://" not in text:
        return LocalStore(Path(text).expanduser())
    parts = urlsplit(text)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
        return LocalStore(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc and not parts.query and "@" not in parts.netloc:
        # boto3 takes half a second to import; a local store does without.
        from feedback.s3 import S3Store

        # A service that takes requests and is silent must leave time to ask it again.
        silence = min(60.0, max(10.0, patience / 2))
        bucket = S3Store(
            parts.netloc, prefix=parts.path.strip("/"), endpoint=endpoint, silence=silence
        )
        store = PatientStore(bucket, patience=patience)
        if probe:
            store.patiently(lambda: probe_conditional_writes(bucket))
        return store
    # The address may hold a password: only its scheme is repeated.
    raise StoreError(
        "expected a folder, file:///folder or s3://bucket/prefix without credentials "
        f"(got an address of scheme {parts.scheme!r}); correct the store's address"
    )
