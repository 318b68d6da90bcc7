"""The champion of a model, moved by compare-and-set.

MLflow's aliases are last-write-wins, so every move is claimed in object storage first, where one of
two writers wins; the aliases follow, and the audit log tells of the move before it counts as done.
A claim whose process died is carried out by the next one.

::

    promotions/<model>/<seq>.json    the move, written once
    promotions/<model>/<seq>.done    the aliases were seen to follow
"""

import logging
from datetime import UTC, datetime
from typing import Literal

from feedback.audit import AuditLog, Event
from feedback.bundle import BaseVersion
from feedback.canonical import canonical_json, sha256_hex
from feedback.errors import StaleChampionError
from feedback.layout import promotion_done_key, promotion_key
from feedback.moves import Move, list_claims, list_moves
from feedback.objects import ObjectStore
from tasks.registry import (
    CHAMPION,
    PREVIOUS,
    alias_version,
    drop_alias,
    set_alias,
    version_tags,
)
from tasks.tracking import Tracker
from tasks.version_pages import VersionRef

logger = logging.getLogger(__name__)

REQUEST_TAG = "review.request_id"
"""Tag of a version that names the review behind it."""
EARLIER_TAG = "review.earlier_requests"
"""Tag that names reviews of earlier rounds of the same run, by commas."""


def find_champion(objects: ObjectStore, tracker: Tracker, name: str) -> BaseVersion | None:
    """Return the champion of a model, a claimed move of it carried out first.

    Args:
        objects: Holds the moves.
        tracker: Holds the aliases.
        name: Registered name.

    Returns:
        The champion as a request names it; None when there is none.

    Raises:
        TrackingError: If the tracking server refuses.
        AuditError: If a move is to be carried out and the audit log is not as it was written.
    """
    claimed = list_moves(objects, name)
    if claimed and not objects.exists(promotion_done_key(name, len(claimed))):
        logger.warning("the champion of %s was left half moved; going on with it", name)
        _carry_out(objects, tracker, name)
    found = alias_version(tracker, name, CHAMPION)
    if found is None:
        return None
    tags = version_tags(tracker, name, found.version)
    return BaseVersion(
        name=name,
        version=found.version,
        digest=found.digest or None,
        request_id=tags.get(REQUEST_TAG) or None,
        earlier=tuple(filter(None, tags.get(EARLIER_TAG, "").split(","))),
    )


def is_version(champion: BaseVersion, version: VersionRef) -> bool:
    """Tell whether the champion is a version, or a twin of it with the same weights."""
    return champion.version == version.version or (
        bool(champion.digest) and champion.digest == version.digest
    )


def replaced_by(objects: ObjectStore, version: VersionRef) -> str | None:
    """Return the version that one took the place of when a review last made it champion, if any."""
    moves = list_moves(objects, version.name)
    return next(
        (
            move.before
            for move in reversed(moves)
            if (move.kind, move.version) == ("promote", version.version)
        ),
        None,
    )


def move_champion(objects: ObjectStore, tracker: Tracker, move: Move) -> None:
    """Make a version champion if the champion is still the one that it is to replace.

    Args:
        objects: Holds the moves.
        tracker: Holds the aliases.
        move: The change.

    Raises:
        StaleChampionError: If another version is champion, or becomes it at the same moment.
        TrackingError: If the tracking server refuses.
        AuditError: If the audit log is not as it was written.
    """
    champion = find_champion(objects, tracker, move.model)
    found = champion.version if champion else None
    if found == move.before:
        sequence = len(list_moves(objects, move.model)) + 1
        data = canonical_json(move.model_dump(mode="json"))
        if objects.put_if_absent(promotion_key(move.model, sequence), data):
            _carry_out(objects, tracker, move.model)
            return
        found = list_moves(objects, move.model)[-1].version
    raise StaleChampionError(
        f"expected the champion of {move.model} to be version {move.before or 'none'} (got "
        f"{found or 'none'}); look at the new champion, then run again"
    )


def _carry_out(objects: ObjectStore, tracker: Tracker, name: str) -> None:
    """Let the aliases follow the latest move; a slow process must not bring back an older one."""
    carried = 0
    while (moves := list_moves(objects, name)) and len(moves) != carried:
        carried, move = len(moves), moves[-1]
        if move.previous is None:
            drop_alias(tracker, name, PREVIOUS)
        else:
            set_alias(tracker, _version(name, move.previous), PREVIOUS)
        set_alias(tracker, _version(name, move.version), CHAMPION)
    _enter(objects, name)
    objects.put_if_absent(promotion_done_key(name, carried), b"{}")


def _enter(objects: ObjectStore, name: str) -> None:
    """Enter the moves of a model that the audit log does not tell of yet."""
    log = AuditLog(objects)
    log.refresh()
    for key, data in list_claims(objects, name).items():
        if key in log.subjects():
            continue
        move = Move.model_validate_json(data)
        kind: Literal["promotion", "revocation"]
        kind = "revocation" if move.kind == "revoke" else "promotion"
        told = f"champion of {name}: {move.before or 'none'} to {move.version} ({move.kind})"
        log.append(Event(kind, key, sha256_hex(data), told), datetime.now(UTC))


def _version(name: str, version: str) -> VersionRef:
    return VersionRef(name=name, version=version, digest="")
