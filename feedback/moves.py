"""Moves of the champion as they are claimed in the store, whatever the registry says by now."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from feedback.bundle import ReviewBundle
from feedback.layout import promotion_prefix
from feedback.objects import ObjectStore


class Move(BaseModel):
    """One change of the champion."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    schema_version: Literal[1] = 1
    """Version of this schema."""
    kind: Literal["first", "promote", "revoke"]
    """Why it is made."""
    model: str
    """Registered name."""
    before: str | None
    """Version that must be champion; None when there must be none."""
    version: str
    """Champion from here on."""
    previous: str | None
    """What ``previous`` points to from here on; None takes the alias away."""
    request_id: str | None = None
    """Review that it rests on."""
    at: datetime
    """When it was claimed."""


def list_claims(store: ObjectStore, name: str) -> dict[str, bytes]:
    """Return what was claimed of a model's champion, by key, the first first."""
    keys = [info.key for info in store.list(promotion_prefix(name))]
    return {key: store.get(key) for key in keys if key.endswith(".json")}


def list_moves(store: ObjectStore, name: str) -> list[Move]:
    """Return all moves of a model's champion, the first first."""
    return [Move.model_validate_json(data) for data in list_claims(store, name).values()]


def replacement_of(store: ObjectStore, bundle: ReviewBundle) -> str | None:
    """Tell which version took the place of the champion that a request was made against.

    Args:
        store: Holds the moves.
        bundle: The request.

    Returns:
        The version; None while the champion is that one, and where the moves cannot tell: the first
        champion may be the very network that the request explains.

    Raises:
        StoreError: If the store cannot be read.
    """
    keys = [info.key for info in store.list(promotion_prefix(bundle.model.name))]
    claims = [key for key in keys if key.endswith(".json")]
    if not claims:
        return None
    last = Move.model_validate_json(store.get(claims[-1]))
    if last.request_id == bundle.request_id or (bundle.base is None and last.kind == "first"):
        return None
    return None if bundle.base and bundle.base.version == last.version else last.version
