"""One byte string per JSON value, so that a digest names what was meant and not how it was typed.

Keys sorted by code point, no white space, UTF-8 without escapes, Python's shortest round-trip form
of floats. NaN and infinities have no JSON form and are refused.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping

_CONTAINERS = (dict, list, tuple)


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


def canonical_object(parts: Mapping[str, bytes]) -> bytes:
    """Join values that are in canonical form to an object in canonical form.

    Args:
        parts: Canonical bytes of the values, by key.

    Returns:
        The bytes that ``canonical_json`` gives of the whole.
    """
    entries = (canonical_json(key) + b":" + parts[key] for key in sorted(parts))
    return b"{" + b",".join(entries) + b"}"


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
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"expected string keys (got {key!r}); convert them first")
        inner: Iterable[object] = value.values()
    elif isinstance(value, (list, tuple)):
        inner = value
    else:
        return
    for item in inner:
        # Most are numbers, and a call for each would take longer than to write them.
        if isinstance(item, _CONTAINERS):
            _check_keys(item)
