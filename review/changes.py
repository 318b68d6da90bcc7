"""What has changed on the page of a request since the browser drew it last."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from feedback.canonical import sha256_hex
from review.describing import describe
from review.pieces import Content, Follower, Keyed, Places


@dataclass
class Changes:
    """What is to be drawn anew.

    Attributes:
        parts: By place, the digest of what it shows now, and its description as JSON; the browser
            draws it, and says with its next message which digests it shows. No description where
            Dash draws.
        live: Content for Dash, by live place.
        followers: Properties of components in live places that follow without being drawn anew.
    """

    parts: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    live: dict[str, Content] = field(default_factory=dict)
    followers: list[Follower] = field(default_factory=list)


def changes_of(places: Places, drawn: Mapping[str, str], live: Sequence[str]) -> Changes:
    """Compare what places show with what is to be shown.

    Args:
        places: Content by place.
        drawn: Digests that the browser shows, by place.
        live: Places that Dash draws.

    Returns:
        What differs; places that are left out now become empty.

    Raises:
        TypeError: If what only Dash can draw stands in a place that is not live.
    """
    changes = Changes()
    for name in {**dict.fromkeys(drawn), **places}:
        part, before = places.get(name), drawn.get(name, "")
        if name in live:
            _compare_live(changes, name, part, before)
        elif isinstance(part, Keyed):
            digest = _digest(part.key)
            if digest != before:
                changes.parts[name] = (digest, _text(part.make()))
        else:
            text = _text(part)
            digest = _digest(text) if part is not None else ""
            if digest != before:
                changes.parts[name] = (digest, text)
    return changes


def _compare_live(changes: Changes, name: str, part: Content | Keyed, before: str) -> None:
    """A live place has two digests: of what stands there, and of what follows within it."""
    if part is None:
        if before:
            changes.parts[name], changes.live[name] = ("", None), None
        return
    if not isinstance(part, Keyed):
        raise TypeError(f"expected keyed content of the live place {name} (got some without a key)")
    stood, _, followed = before.partition(" ")
    stands, follows = _digest(part.key), _digest(json.dumps(part.followers))
    if stands != stood:
        changes.live[name] = part.make()
    elif follows != followed:
        changes.followers += part.followers
    if f"{stands} {follows}" != before:
        changes.parts[name] = (f"{stands} {follows}", None)


def _text(part: Content) -> str:
    return json.dumps(describe(part), ensure_ascii=False, separators=(",", ":"))


def _digest(text: str) -> str:
    return sha256_hex(text.encode())[:16]
