"""The object store at an address: a local folder, or a bucket and prefix of any S3."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from feedback.errors import StoreError
from feedback.local import LocalStore
from feedback.objects import ObjectInfo, ObjectStore
from feedback.probing import probe_conditional_writes

__all__ = ["LocalStore", "ObjectInfo", "ObjectStore", "open_store"]


def open_store(url: str | Path, *, endpoint: str | None = None, probe: bool = True) -> ObjectStore:
    """Open the object store at an address.

    Args:
        url: A folder, ``file:///folder`` or ``s3://bucket/prefix``.
        endpoint: Address of the S3 service; None takes the AWS environment variables' one.
        probe: Check first that the store can be written and keeps its promise of one winner.

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

        store = S3Store(parts.netloc, prefix=parts.path.strip("/"), endpoint=endpoint)
        if probe:
            probe_conditional_writes(store)
        return store
    # The address may hold a password: only its scheme is repeated.
    raise StoreError(
        "expected a folder, file:///folder or s3://bucket/prefix without credentials "
        f"(got an address of scheme {parts.scheme!r}); correct the store's address"
    )
