"""Approving and promoting versions without networks, and what is recorded of it."""

from datetime import UTC, datetime

from feedback.moves import Move
from feedback.opening import open_request
from feedback.policy import single_policy
from feedback.recording import load_decision, load_decisions
from feedback.waiting import wait_for_decision
from tasks.champion import find_champion, move_champion
from tasks.exchange import submit_feedback
from tasks.promotion import promote_candidate
from tasks.registry import CHAMPION, PREVIOUS, alias_version
from tests.review_request import FILES, make_answer, make_bundle

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TAGS = {"review.reviewers": "ada", "review.edits": "2", "dvc.md5": "0" * 32}


def approve(workplace, registry, **changes):
    """Open a request against the champion of now, approve it, and return the decision."""
    objects = workplace.objects
    base = find_champion(objects, registry, "parley")
    request = open_request(
        objects, make_bundle(**changes), FILES, base=base, policies=[single_policy()]
    )
    standing = load_decision(objects, request.request_id)
    if standing is not None:
        return standing
    submit_feedback.fn(workplace, request.request_id, make_answer(request))
    return wait_for_decision(objects, request.request_id)


def promote(workplace, registry, original, candidate, decision, *, allowed=True, against=NOW):
    tags = {"review.request_id": decision.request_id, **TAGS}
    if against is NOW:
        champion = find_champion(workplace.objects, registry, "parley")
        against = champion.version if champion else None
    return promote_candidate.fn(
        workplace, registry, original=original, candidate=candidate, decision=decision,
        allowed=allowed, against=against, tags=tags,
    )  # fmt: skip


def aliases(registry):
    found = {name: alias_version(registry, "parley", name) for name in (CHAMPION, PREVIOUS)}
    return tuple(version.version if version else None for version in found.values())


def states(workplace, decision):
    return [d.state.value for d in load_decisions(workplace.objects, decision.request_id)]


def move(before, version, kind="promote"):
    return Move(kind=kind, model="parley", before=before, version=version, previous=before, at=NOW)


def let_come_first(rival, workplace, registry, monkeypatch):
    """Make a rival's move of the champion at the moment when another one is about to be claimed."""
    objects, made = workplace.objects, []
    claim = type(objects).put_if_absent

    def slow(self, key, data):
        if key.startswith("promotions/") and not made:
            made.append(key)
            move_champion(objects, registry, rival)
        return claim(self, key, data)

    monkeypatch.setattr(type(objects), "put_if_absent", slow)
