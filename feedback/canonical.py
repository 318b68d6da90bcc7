"""One byte string per JSON value, so that a digest names what was meant and not how it was typed.

Keys sorted by code point, no white space, UTF-8 without escapes, Python's shortest round-trip form
of floats. NaN and infinities have no JSON form and are refused.
"""

import hashlib
import json


def canonical_json(value: object) -> bytes:
    """Write a JSON value in its canonical form.

    Args:
        value: None, bool, int, finite float, str, or lists, tuples and dicts of those.

    Returns:
        UTF-8 bytes; equal values give equal bytes on every machine.

    Raises:
        ValueError: If a number is not finite or a string cannot be encoded.
        TypeError: If something has no JSON form, or a key is not a string.
    """
    _check_keys(value)
    try:
        text = json.dumps(
            value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"expected text that UTF-8 can hold (got {error.reason})") from error


def sha256_hex(data: bytes) -> str:
    """Hash bytes.

    Args:
        data: Any bytes.

    Returns:
        SHA-256 as 64 lower-case hexadecimal digits.
    """
    return hashlib.sha256(data).hexdigest()


def _check_keys(value: object) -> None:
    # json.dumps writes the keys 1, True and None as strings, so two different dicts could collide.
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"expected string keys (got {key!r}); convert them first")
            _check_keys(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check_keys(item)
