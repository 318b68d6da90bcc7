"""Policies, a request and answers for the gate, and what it says of them."""

from datetime import timedelta

from feedback.answer import Answer, Edit, GateRequest, Seat
from feedback.gate import Outcome, decide
from feedback.policy import Policy
from feedback.states import ReviewState
from tests.review_request import NOW

DIGEST = "a" * 64
PAIR = Policy.model_validate({"name": "pair", "roles": {"domain": {}, "ml": {}}})
JUDGED = Policy.model_validate(
    {
        "name": "judged",
        "roles": {"domain": {}, "ml": {}, "lead": {"approvals": 0}},
        "adjudicator": "lead",
    }
)
VETOED = Policy.model_validate(
    {
        "name": "vetoed",
        "roles": {"domain": {}, "safety": {"approvals": 0, "veto": True}, "lead": {"approvals": 0}},
        "adjudicator": "lead",
    }
)


def asked(**changes: object) -> GateRequest:
    values: dict[str, object] = {
        "request_id": "r-1",
        "bundle_sha256": DIGEST,
        "created_at": NOW,
        "author": "eve",
    }
    return GateRequest(**{**values, **changes})  # type: ignore[arg-type]


def says(
    reviewer: str,
    verdict: str,
    *roles: str,
    minute: float = 1,
    edits: dict[str, str] | None = None,
    behalf: str | None = None,
    **changes: object,
) -> Answer:
    moment = NOW + timedelta(minutes=minute)
    values: dict[str, object] = {
        "key": f"inbox/r-1/{reviewer}/nonce-{minute}.json",
        "request_id": "r-1",
        "bundle_sha256": DIGEST,
        "reviewer": reviewer,
        "verdict": verdict,
        "seats": tuple(Seat(role=role, on_behalf_of=behalf) for role in roles),
        "arrived_at": moment,
        "written_at": moment,
        "edits": tuple(
            Edit(target, content.encode(), {"does": content})
            for target, content in (edits or {}).items()
        ),
    }
    return Answer(**{**values, **changes})  # type: ignore[arg-type]


def state(policy: Policy, *answers: Answer, hours: float = 1, **request: object) -> ReviewState:
    return decide(asked(**request), answers, NOW + timedelta(hours=hours), policy).state


def effects(outcome: Outcome) -> dict[str, str]:
    return {edit.target: edit.content.decode() for edit in outcome.agreed}
