"""What must hold however often processes are killed, read from store and audit log alone."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from feedback.audit import AuditLog
from feedback.audit_check import verify
from feedback.decision import Decision
from feedback.layout import (
    DECISIONS,
    INBOX,
    PROMOTIONS,
    REVIEWS,
    manifest_key,
    parse_preview_key,
    rejection_key,
    request_of,
)
from feedback.moves import Move
from feedback.objects import ObjectStore
from feedback.recording import load_decisions
from feedback.states import ReviewState

FOLLOWING = {ReviewState.PROMOTED, ReviewState.STALE, ReviewState.REVOKED}
"""States that only say what became of an approval."""


def judge(store: ObjectStore, taken: Collection[tuple[str, str]], approvals: int) -> dict[str, Any]:
    """Count what came of a soak, with the breaches of every promise in words.

    Args:
        store: Where everything lies.
        taken: Request and key of every answer of which somebody was told that it is handed in.
        approvals: People who must have approved what is promoted.

    Returns:
        Numbers, and under ``breaches`` a list for each promise; all empty when all were kept.
    """
    requests = _requests(store)
    decisions = {request: load_decisions(store, request) for request in requests}
    uploads = [info.key for info in store.list(INBOX) if parse_preview_key(info.key) is None]
    moves = _moves(store)
    check = verify(store)
    first = Counter(found[0].state.value for found in decisions.values() if found)
    return {
        "requests": len(requests),
        "responses": len(uploads),
        "decisions": dict(first),
        "promotions": sum(move.kind == "promote" for move in moves),
        "audit entries": check.entries,
        "breaches": {
            "response lost": _lost(store, decisions, uploads, taken),
            "decided twice": _doubled(store, decisions),
            "promoted without approval": _unapproved(decisions, moves, approvals),
            "audit": [check.broken] * bool(check.broken) + list(check.changed),
        },
    }


def _requests(store: ObjectStore) -> list[str]:
    found = {request_of(info.key) for info in store.list(REVIEWS)}
    keys = {info.key for info in store.list(REVIEWS)}
    # What a run that died has not finished publishing was never shown to anybody.
    return sorted(request for request in found if manifest_key(request) in keys)


def _lost(
    store: ObjectStore,
    decisions: dict[str, Sequence[Decision]],
    uploads: Sequence[str],
    taken: Collection[tuple[str, str]],
) -> list[str]:
    """Find answers that are in no decision and in no rejection, and some that are in both."""
    counted = {
        response.key: response
        for found in decisions.values()
        for decision in found[:1]
        for response in decision.responses
    }
    wrong = []
    for key in uploads:
        places = (key in counted) + store.exists(rejection_key(request_of(key), key))
        if places != 1:
            wrong.append(f"{key} is in {places} places ({_told(decisions, key)})")
    return wrong + [f"{key} is gone" for _, key in taken if key not in uploads]


def _told(decisions: dict[str, Sequence[Decision]], key: str) -> str:
    return ", ".join(decision.state.value for decision in decisions[request_of(key)]) or "open"


def _doubled(store: ObjectStore, decisions: dict[str, Sequence[Decision]]) -> list[str]:
    """Find requests that were closed more than once, and decisions that were entered twice."""
    wrong = [
        f"{request} is {decision.state.value} after it was closed"
        for request, found in decisions.items()
        for decision in found[1:]
        if decision.state not in FOLLOWING
    ]
    entered = Counter(
        entry.subject for entry in AuditLog(store).refresh() if entry.subject.startswith(DECISIONS)
    )
    return wrong + [f"{key} was entered {number} times" for key, number in entered.items()
                    if number != 1]  # fmt: skip


def _unapproved(
    decisions: dict[str, Sequence[Decision]], moves: Sequence[Move], approvals: int
) -> list[str]:
    wrong = []
    for move in moves:
        if move.kind != "promote":
            continue
        found = decisions.get(move.request_id or "", ())
        by = {
            response.document.reviewer
            for response in (found[0].responses if found else ())
            if response.document.verdict == "approve" and response.signature is not None
        }
        if not found or found[0].state is not ReviewState.APPROVED or len(by) < approvals:
            wrong.append(f"version {move.version} by {move.request_id}")
    return wrong


def differing(moves: Sequence[Move], aliases: Mapping[str, str]) -> list[str]:
    """Find aliases of the registry that are not what the last move says.

    Args:
        moves: Of one model's champion, the first first.
        aliases: Versions by alias, as the registry has them.
    """
    last = moves[-1] if moves else None
    wanted = {
        "champion": last.version if last else None,
        "previous": last.previous if last else None,
    }
    return [
        f"{alias} is {aliases.get(alias)}, not {version}"
        for alias, version in wanted.items()
        if aliases.get(alias) != version
    ]


def _moves(store: ObjectStore) -> list[Move]:
    return [
        Move.model_validate_json(store.get(info.key))
        for info in store.list(PROMOTIONS)
        if info.key.endswith(".json")
    ]
