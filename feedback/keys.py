"""Names of objects that every store accepts: a key cannot leave its prefix or folder."""

import unicodedata

from feedback.errors import StoreError

MAX_KEY_BYTES = 900
"""Longest key, UTF-8 bytes; S3 takes 1,024, of which the store's own prefix needs a part."""

MAX_PART_BYTES = 240
"""Longest part between slashes, UTF-8 bytes; most file systems take 255."""


def check_key(key: str) -> str:
    """Refuse keys that a folder or an S3 store could read differently.

    Args:
        key: Parts joined by ``/``.

    Returns:
        The same key.

    Raises:
        StoreError: If the key is empty, absolute, too long, not in Unicode form NFC, or has a part
            that is empty, starts with a dot, or holds a backslash or control character.
    """
    remedy = "name objects like 'reviews/r-1/manifest.json'"
    try:
        encoded = [part.encode("utf-8") for part in key.split("/")]
    except UnicodeEncodeError as error:
        raise StoreError(f"expected a key that UTF-8 can hold (got {key!r}); {remedy}") from error
    if sum(map(len, encoded)) + len(encoded) - 1 > MAX_KEY_BYTES:
        raise StoreError(
            f"expected a key of at most {MAX_KEY_BYTES} bytes (got {key[:60]!r}...); shorten it"
        )
    if any(not part for part in encoded):
        raise StoreError(
            f"expected a relative key without empty parts (got {key[:200]!r}); {remedy}"
        )
    if any(part.startswith(b".") for part in encoded):
        raise StoreError(f"expected no part that starts with a dot (got {key[:200]!r}); {remedy}")
    if any(len(part) > MAX_PART_BYTES for part in encoded):
        raise StoreError(f"expected parts of at most {MAX_PART_BYTES} bytes; shorten the key")
    if "\\" in key or any(unicodedata.category(character) == "Cc" for character in key):
        raise StoreError(f"expected no backslash or control character (got {key!r}); {remedy}")
    if not unicodedata.is_normalized("NFC", key):
        raise StoreError(f"expected a key in Unicode form NFC (got {key!r}); normalise it")
    return key


def check_prefix(prefix: str) -> str:
    """Refuse prefixes under which no key could lie.

    Args:
        prefix: Start of keys, possibly empty or in the middle of a part.

    Returns:
        The same prefix.

    Raises:
        StoreError: If no valid key starts so.
    """
    if prefix:
        # A prefix may end with a slash or inside a part; one more letter makes it a key.
        check_key(prefix + "x")
    return prefix


def check_folder(prefix: str) -> str:
    """Refuse prefixes that are no folder: neither empty nor ending with a slash.

    Args:
        prefix: Start of keys.

    Returns:
        The same prefix.

    Raises:
        StoreError: If it ends inside a part, or no valid key starts so.
    """
    if prefix and not prefix.endswith("/"):
        raise StoreError(f"expected a prefix that ends with a slash (got {prefix[:200]!r}); add it")
    return check_prefix(prefix)
