"""Field types shared by everything that travels between Parley and people.

Every string that a reviewer can write is bounded and free of control characters, so that a comment
can be shown in a terminal, a page or a log without changing what stands around it.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from feedback.canonical import canonical_json, sha256_hex

# A line break and a tab are the only control characters that free text needs.
_ALLOWED_CONTROLS = "\n\t"
# Explicit bidirectional overrides can make a reason read as its opposite (Unicode TR 36).
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

JsonObject = dict[str, JsonValue]
"""A JSON object, typed without ``Any``."""


class Exchanged(BaseModel):
    """Base of every exchanged document: frozen, no unknown names, finite numbers only."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        validate_by_alias=True,
        validate_by_name=True,
        serialize_by_alias=True,
        # A field may be called model_version without pydantic claiming the prefix.
        protected_namespaces=(),
    )


class Grown(Exchanged):
    """Base of a document that has had more fields since its first version.

    These are left out while they have their default, so that the bytes of what earlier versions
    wrote, and with them its digest and id, stay what they are.
    """

    LATER: ClassVar[tuple[str, ...]]
    """Fields that the first version did not have."""

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        dumped: dict[str, object] = handler(self)
        for name in self.LATER:
            if getattr(self, name) == type(self).model_fields[name].default:
                dumped.pop(name, None)
        return dumped


class StoredDocument(Exchanged):
    """Base of what is stored as one object and named by the digest of its canonical bytes."""

    def to_json(self) -> bytes:
        """Return the canonical bytes, which are what is stored, signed and hashed."""
        return canonical_json(self.model_dump(mode="json"))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes, by which other documents name this one."""
        return sha256_hex(self.to_json())

    def read_from(self, data: bytes) -> Self:
        """Keep the digest of the canonical bytes that this was read from: large ones take long."""
        self.__dict__["digest"] = sha256_hex(data)
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy with other fields, which are not checked, and without the digest that was kept."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("digest", None)
        return copied


def check_text(text: str) -> str:
    """Refuse control characters, bidirectional overrides and lone surrogates.

    Args:
        text: Free text as a person wrote it.

    Returns:
        The same text; nothing is stripped, since a signed document must not change.

    Raises:
        ValueError: If the text holds such a character.
    """
    for character in text:
        category = unicodedata.category(character)
        is_control = category == "Cc" and character not in _ALLOWED_CONTROLS
        if is_control or category == "Cs" or character in _BIDI_CONTROLS:
            raise ValueError(
                f"expected text without control characters (got U+{ord(character):04X}); remove it"
            )
    return text


def _check_line(text: str) -> str:
    if "\n" in text or "\t" in text:
        raise ValueError("expected one line of text (got a line break or tab); remove it")
    return check_text(text)


def _bare_digest(value: object) -> object:
    return value.removeprefix("sha256:") if isinstance(value, str) else value


Sha256 = Annotated[
    str, BeforeValidator(_bare_digest), Field(pattern=r"^[0-9a-f]{64}$", max_length=64)
]
"""SHA-256 as 64 lower-case hexadecimal digits; a leading ``sha256:`` is accepted and dropped."""

Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_check_line)]
"""Name of a class, concept, image, model; any script, one line."""

Reason = Annotated[str, Field(max_length=500), AfterValidator(check_text)]
"""Why a reviewer made one edit."""

Comment = Annotated[str, Field(max_length=4000), AfterValidator(check_text)]
"""A reviewer's free text on the whole request."""

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,79}$", max_length=80)]
"""Id that becomes one part of an object key: request, reviewer, channel."""

Nonce = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$", max_length=64)]
"""Reviewer's one-time name of an upload, 8 to 64 letters, digits, ``_`` or ``-``."""

FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,119}(/[A-Za-z0-9][A-Za-z0-9_.-]{0,119}){0,3}")
"""At most four parts of ASCII letters, digits, ``_``, ``.``, ``-``; none starts with a dot."""


def _check_file_name(name: str) -> str:
    if not FILE_NAME.fullmatch(name) or len(name) > 240:
        raise ValueError(
            f"expected a file name of letters, digits, '_', '.', '-' and '/' (got {name[:80]!r})"
        )
    return name


FileName = Annotated[str, AfterValidator(_check_file_name)]
"""Name of a file of the bundle."""

_MOMENT = re.compile(r"2\d{3}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})")


def _check_moment(value: object) -> object:
    # pydantic also reads seconds since 1970, as a number or as digits, whose zone nobody wrote.
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return datetime.fromisoformat(value)
    raise ValueError("expected a moment with its zone, such as 2026-11-21T09:30:00Z")


Timestamp = Annotated[AwareDatetime, BeforeValidator(_check_moment)]
"""A moment with its time zone, ISO 8601."""

Share = Annotated[float, Field(ge=0, le=1)]
"""A share, in [0, 1]."""
