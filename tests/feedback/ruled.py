"""Requests that only repeat what people approved, and the policy whose rule may approve them."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from feedback.answer import Edit, GateRequest, Proposal
from feedback.bundle import BaseVersion, ReviewBundle
from feedback.channels.concept_graph import (
    CarriedEdit,
    GraphEvidence,
    LostEdit,
    RemoveEdge,
    pack_evidence,
)
from feedback.policy import Policy
from feedback.since import ComparedAccuracy, SinceChampion
from tests.feedback.answers import asked
from tests.feedback.people import Office
from tests.review_request import NOW, make_bundle, make_evidence

RULE: dict[str, object] = {
    "after_hours": 24,
    "max_edits": 3,
    "min_similarity": 0.9,
    "classes": ["carrier", "tank"],
    "max_drop": 0.01,
    "max_class_drop": 0.05,
    "max_in_a_row": 2,
}
POLICY = Policy.model_validate(
    {
        "name": "ruled",
        "roles": {"domain": {}, "safety": {"approvals": 0, "veto": True}},
        "deadline_hours": 72,
        "auto_approve": RULE,
    }
)
BASE = BaseVersion(name="parley", version="3", digest="e" * 64, request_id="concept_graph-old")
SINCE = SinceChampion(
    accuracies=(
        ComparedAccuracy(name="all classes", is_group=True, champion=0.9, shown=0.89),
        ComparedAccuracy(name="carrier", champion=0.9, shown=0.85),
    ),
    unattended=1,
)
PROPOSAL = Proposal(
    edits=(Edit("carrier", b"cut", {"does": "cut"}),),
    n_edits=3,
    classes=frozenset({"carrier"}),
    similarity=0.9,
    sources=("concept_graph-old",),
)
DAY = timedelta(hours=24)


def ruled_request(**changes: object) -> GateRequest:
    """Return a request that the rule approves as it is; each number lies on its limit."""
    return replace(
        asked(deadline=None), **{"base": BASE, "since": SINCE, "proposal": PROPOSAL, **changes}
    )  # type: ignore[arg-type]


def repeating_evidence(*, similarity: float = 0.95, n_lost: int = 0, dst: int = 1) -> GraphEvidence:
    """Return evidence in which the cut of one edge of the carrier's graph is carried over."""
    one = CarriedEdit(
        op=RemoveEdge(src=0, dst=dst, reason="chance"),
        was="edge old/a → old/b removed",
        request_id="concept_graph-old",
        decided_at=NOW,
        similarity=similarity,
    )
    lost = LostEdit(was="edge old/b → old/c removed", why="gone", request_id="concept_graph-old")
    given = make_evidence()
    first = given.classes[0].model_copy(update={"carried": (one,), "lost": (lost,) * n_lost})
    return given.model_copy(update={"classes": (first, *given.classes[1:])})


def repeating_bundle(
    *, since: SinceChampion | None = SINCE, created_at: datetime = NOW, author: str = "eve",
    **changes: object,
) -> ReviewBundle:  # fmt: skip
    """Return a request that the rule of ``POLICY`` approves after a day."""
    evidence, items = pack_evidence(repeating_evidence(**changes), {})  # type: ignore[arg-type]
    bundle = make_bundle(author=author, evidence=evidence, items=items, created_at=created_at)
    return bundle.model_copy(update={"base": BASE, "since": since})


@pytest.fixture
def office() -> Office:
    office = Office(bundle=repeating_bundle())
    office.enrol("sam", ("safety",))
    return office
