"""JSON from bytes that nobody vouches for: bounded before it is parsed, read in one way only."""

import json
import math
import re

from feedback.errors import MalformedDocumentError

MAX_BYTES = 262_144
"""Largest upload, bytes."""

MAX_DEPTH = 16
"""Deepest nesting of arrays and objects in a document."""

_MAX_DIGITS = 40
# Possessive, so that the scan is linear in the length whatever the text.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?+|[\[{]|[\]}]', re.DOTALL)


def read_object(data: bytes, *, max_depth: int = MAX_DEPTH) -> tuple[str, dict[str, object]]:
    """Read a JSON object of bounded size and depth.

    Args:
        data: Uploaded bytes.
        max_depth: Deepest nesting that is read.

    Returns:
        The text and its value.

    Raises:
        MalformedDocumentError: If it is too large, too deep, or not a JSON object of unique keys
            and finite numbers.
    """
    text = _decode(data)
    _check_depth(text, max_depth)
    value = _load(text)
    if not isinstance(value, dict):
        raise MalformedDocumentError(
            f"expected a JSON object (got {type(value).__name__}); upload a feedback document"
        )
    return text, value


def shorten(value: object, length: int = 80) -> str:
    """Return a value of a hostile document as it may be repeated, escaped and cut."""
    # repr, so that control characters of a hostile document do not reach a terminal or a page.
    text = repr(value)
    return text if len(text) <= length else f"{text[:length]}..."


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


def _check_depth(text: str, max_depth: int) -> None:
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in "[{":
            depth += 1
            if depth > max_depth:
                raise MalformedDocumentError(
                    f"expected at most {max_depth} levels of nesting (got more); flatten it"
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
                f"expected each key once (got {shorten(name)} twice); leave one out"
            )
        found[name] = value
    return found


def _refuse_constant(name: str) -> object:
    raise MalformedDocumentError(f"expected finite numbers (got {name}); leave the field out")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise MalformedDocumentError(
            f"expected finite numbers (got {shorten(digits)}); leave the field out"
        )
    return number


def _bounded(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise MalformedDocumentError(
            f"expected integers of at most {_MAX_DIGITS} digits (got {len(digits)}); shorten it"
        )
    return int(digits)
