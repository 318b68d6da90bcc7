"""Promoting what a run made when the rule and the reviewers both say so, and taking it back."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

from feedback.audit import AuditLog
from feedback.decision import Decision
from feedback.entering import enter_decisions
from feedback.errors import StaleChampionError, TrackingError
from feedback.moves import Move, list_moves
from feedback.objects import ObjectStore
from feedback.opening import is_current, why_stale
from feedback.publishing import load_bundle
from feedback.recording import load_decision, record_transition
from feedback.states import ReviewState
from tasks.champion import REQUEST_TAG, find_champion, is_version, move_champion
from tasks.registry import (
    CANDIDATE,
    CHAMPION,
    PREVIOUS,
    alias_version,
    set_alias,
    tag_version,
    version_tags,
)
from tasks.tracking import Tracker
from tasks.version_pages import VersionRef
from tasks.workplace import Workplace


@dataclass(frozen=True)
class Promotion:
    """What became of a candidate.

    Attributes:
        alias: The alias that points to it.
        promoted: Whether it is champion, made so now or before.
        stale: Why the approval came too late; empty when it did not.
    """

    alias: str
    promoted: bool
    stale: str = ""


@task(name="promote-candidate", cache_policy=NO_CACHE)
def promote_candidate(
    workplace: Workplace,
    tracker: Tracker,
    *,
    original: VersionRef,
    candidate: VersionRef,
    decision: Decision,
    allowed: bool,
    against: str | None,
    tags: Mapping[str, str],
) -> Promotion | None:
    """Name the candidate, and make it champion if it may be and the approval is not stale.

    Without any champion the original becomes the first one: it is what was there before.

    Args:
        workplace: Holds the request, its decisions and the moves of the champion.
        tracker: The run that promotes.
        original: Version of the network before the correction.
        candidate: Version of the corrected network.
        decision: The approval.
        allowed: Whether the promotion rule allows it.
        against: The version that the candidate was compared with; None where there was none.
        tags: Facts that the candidate is to carry as champion.

    Returns:
        What became of it; ``STALE`` or ``PROMOTED`` stands on the request afterwards. None, and
        nothing is done, where the approval is good for a champion that the candidate was not
        compared with.

    Raises:
        TrackingError: If the tracking server refuses.
        AuditError: If the audit log is not as it was written; nothing is promoted then.
    """
    objects, name, now = workplace.objects, candidate.name, datetime.now(UTC)
    log, bundle = AuditLog(objects), load_bundle(objects, decision.request_id)
    log.refresh()
    champion = find_champion(objects, tracker, name)
    if champion is not None and champion.version == candidate.version:
        if champion.request_id == bundle.request_id:
            # A run that died in between has moved the aliases and not said so.
            _record(objects, log, bundle.request_id, ReviewState.PROMOTED, "", now)
        return Promotion(CHAMPION, True)
    set_alias(tracker, candidate, CANDIDATE)
    if champion is None and bundle.base is None:
        # Another run's first champion may come first: the approval is then judged against that.
        with suppress(StaleChampionError):
            move_champion(objects, tracker, _move("first", name, None, original.version, None, now))
        champion = find_champion(objects, tracker, name)
    if not allowed:
        return Promotion(CANDIDATE, False)
    stale = "" if is_current(bundle, champion) else why_stale(bundle, champion)
    if (
        not stale
        and champion is not None
        and champion.version != against
        and not is_version(champion, original)
    ):
        return None
    if not stale and champion is not None:
        tag_version(tracker, candidate, tags)
        before = champion.version
        step = _move("promote", name, before, candidate.version, bundle.request_id, now)
        try:
            move_champion(objects, tracker, step)
        except StaleChampionError as error:
            stale = str(error)
    state = ReviewState.STALE if stale else ReviewState.PROMOTED
    told = stale or f"version {candidate.version} of {name}"
    # An earlier promotion by the same request stands, whatever is champion now.
    if decision.state is ReviewState.APPROVED or not stale:
        _record(objects, log, bundle.request_id, state, told, now)
    return Promotion(CANDIDATE if stale else CHAMPION, not stale, stale)


def revoke_version(
    workplace: Workplace, tracker: Tracker, *, name: str, version: str, why: str
) -> str:
    """Take a promotion back: ``champion`` returns to ``previous``, and why is recorded.

    Args:
        workplace: Holds the decisions and the moves of the champion.
        tracker: Holds the aliases.
        name: Registered name.
        version: The champion that is to go.
        why: Reason, for the audit log.

    Returns:
        The version that is champion now.

    Raises:
        TrackingError: If the version is not a champion that a review promoted, or there is none to
            go back to.
        AuditError: If the audit log is not as it was written; nothing is moved then.
    """
    objects, now = workplace.objects, datetime.now(UTC)
    request = version_tags(tracker, name, version).get(REQUEST_TAG)
    log = AuditLog(objects)
    log.refresh()
    champion = find_champion(objects, tracker, name)
    moves = list_moves(objects, name)
    back = alias_version(tracker, name, PREVIOUS)
    # A revocation that died in between has moved the aliases and not said so.
    is_moved = bool(moves) and (moves[-1].kind, moves[-1].before) == ("revoke", version)
    if request is None or not (is_moved or (champion and champion.version == version)):
        raise TrackingError(
            f"expected the champion of {name}, promoted by a review (got version {version}; "
            f"champion is {champion.version if champion else 'none'}); name that one"
        )
    if not is_moved:
        if back is None:
            raise TrackingError(
                f"expected a version before {version} of {name} (got none); set the alias "
                f"{CHAMPION} to the version that is to serve instead"
            )
        earlier = [move.before for move in moves if move.version == back.version]
        step = _move("revoke", name, version, back.version, request, now)
        step = step.model_copy(update={"previous": earlier[-1] if earlier else None})
        move_champion(objects, tracker, step)
    standing = load_decision(objects, request)
    if standing is not None and standing.state is ReviewState.APPROVED:
        _record(objects, log, request, ReviewState.PROMOTED, "", now)
    _record(objects, log, request, ReviewState.REVOKED, why, now)
    tag_version(
        tracker, VersionRef(name=name, version=version, digest=""), {"review.state": "REVOKED"}
    )
    found = find_champion(objects, tracker, name)
    return found.version if found else ""


def _record(
    objects: ObjectStore,
    log: AuditLog,
    request_id: str,
    state: ReviewState,
    why: str,
    now: datetime,
) -> None:
    record_transition(objects, request_id, state, reason=why, now=now)
    enter_decisions(objects, log, request_id, now)


def _move(
    kind: str, name: str, before: str | None, version: str, request_id: str | None, now: datetime
) -> Move:
    return Move.model_validate(
        {
            "kind": kind,
            "model": name,
            "before": before,
            "version": version,
            "previous": before,
            "request_id": request_id,
            "at": now,
        }
    )
