"""What earlier reviews said is proposed on the page; only what is taken over is answered."""

import json
from datetime import UTC, datetime

import pytest

from feedback.channels.concept_graph import (
    AddEdge,
    GraphOp,
    pack_evidence,
    read_evidence,
)
from review.desk import Desk
from review.editing import responses_of
from review.panels.concept_graph import ClassDraft, GraphView
from review.panels.concept_graph.carried_view import (
    carried_section,
    carried_summary,
    is_taken_over,
    take_back,
    take_over,
)
from review.request_view import parts_of
from review.shown import AnyShown
from tests.feedback.memory import MemoryStore
from tests.review.conftest import OPS, carried, edited, publish_proposals, text_of
from tests.review_request import make_evidence

NOW = datetime.now(UTC)


@pytest.fixture
def proposed(store: MemoryStore, desk: Desk) -> AnyShown:
    return desk.open(publish_proposals(store).request_id)


def test_proposals_survive_the_bundle_and_are_left_out_when_there_are_none(
    proposed: AnyShown,
) -> None:
    first, second, _ = read_evidence(proposed.bundle).classes
    assert [one.op for one in first.carried] == list(OPS)
    assert not {"carried", "lost"} & set(second.model_dump(mode="json"))
    # Without any, a request has the id that it had before there were proposals.
    evidence, items = pack_evidence(make_evidence(), {})
    assert "carried" not in json.dumps([evidence, [item.evidence for item in items]])


def test_nothing_is_in_the_draft_before_it_is_taken_over(proposed: AnyShown) -> None:
    draft = edited(proposed)
    assert responses_of(draft, proposed) == ()
    shown = proposed.evidence.classes[0]
    text = text_of(carried_section(proposed, shown, proposed.said(draft, "carrier")))
    for told in ("k00 → k03", "similarity 0.87", "Take over: cut the edge k01 → k00", "“chance”"):
        assert told in text
    assert "no concept is like old/a" in text
    assert "Take back" not in text


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.op)
def test_a_proposal_is_taken_over_with_its_reason_and_taken_back_whole(
    proposed: AnyShown, op: GraphOp
) -> None:
    shown, one = proposed.evidence.classes[0], carried(op)
    draft = edited(proposed, *take_over("carrier", one))
    assert is_taken_over(proposed.said(draft, "carrier"), one)
    (edit,) = responses_of(draft, proposed)
    assert edit.ops[0].reason == op.reason
    wanted = 2 if isinstance(op, AddEdge) else 1
    assert len(edit.ops) == wanted
    assert "in your answer" in text_of(
        carried_section(proposed, shown, proposed.said(draft, "carrier"))
    )
    back = edited(proposed, *take_back("carrier", shown, one), draft=draft)
    assert not is_taken_over(proposed.said(back, "carrier"), one)
    assert proposed.said(back, "carrier") == ClassDraft()


def test_all_proposals_together_are_an_answer_that_the_gate_takes(proposed: AnyShown) -> None:
    proposals = proposed.evidence.classes[0].carried
    draft = edited(proposed, *(does for one in proposals for does in take_over("carrier", one)))
    (edit,) = responses_of(draft, proposed)
    assert len(edit.ops) == 4


def test_the_overview_leads_to_the_classes_that_earlier_reviews_speak_of(
    proposed: AnyShown, desk: Desk, shown: AnyShown
) -> None:
    assert "carrier" in text_of(carried_summary(proposed.evidence))
    assert "tank" not in text_of(carried_summary(proposed.evidence))
    draft = edited(proposed)
    standing = desk.standing(proposed, "ada", NOW)
    whole = parts_of(proposed, draft, GraphView(), standing, "ada", NOW)
    assert "Carried over from earlier reviews" in text_of(whole["overview"])
    one = parts_of(proposed, draft, GraphView(item="carrier"), standing, "ada", NOW)
    assert "similarity 0.87" in text_of(one["carried"])
    # A request without an earlier review says nothing of it.
    assert "Carried over" not in text_of(carried_summary(shown.evidence))
