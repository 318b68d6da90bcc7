"""What earlier reviews said is proposed on the page; only what is taken over is answered."""

import json
from datetime import UTC, datetime

import pytest
from plotly.utils import PlotlyJSONEncoder

from feedback.channels.concept_graph import (
    AddEdge,
    GraphOp,
    pack_evidence,
    read_evidence,
)
from review.actions import read_action
from review.carried_view import (
    carried_section,
    carried_summary,
    is_taken_over,
    take_back,
    take_over,
)
from review.desk import Desk, Shown
from review.draft import ClassDraft, Draft, edits_of
from review.editing import apply
from review.request_view import parts_of
from review.viewing import View
from tests.feedback.memory import MemoryStore
from tests.review.conftest import OPS, carried, publish_proposals
from tests.review_request import make_evidence

NOW = datetime.now(UTC)


@pytest.fixture
def proposed(store: MemoryStore, desk: Desk) -> Shown:
    return desk.open(publish_proposals(store).request_id)


def text_of(component: object) -> str:
    return json.dumps(component, cls=PlotlyJSONEncoder, ensure_ascii=False)


def done(shown: Shown, draft: Draft, messages: list[dict[str, object]]) -> Draft:
    for message in messages:
        draft = apply(draft, read_action(message), shown.evidence)  # type: ignore[arg-type]
    return draft


def test_proposals_survive_the_bundle_and_are_left_out_when_there_are_none(
    proposed: Shown,
) -> None:
    first, second, _ = read_evidence(proposed.bundle).classes
    assert [one.op for one in first.carried] == list(OPS)
    assert not {"carried", "lost"} & set(second.model_dump(mode="json"))
    # Without any, a request has the id that it had before there were proposals.
    evidence, items = pack_evidence(make_evidence(), {})
    assert "carried" not in json.dumps([evidence, [item.evidence for item in items]])


def test_nothing_is_in_the_draft_before_it_is_taken_over(proposed: Shown) -> None:
    draft = Draft(bundle_sha256=proposed.digest)
    assert edits_of(draft, proposed.evidence) == ()
    shown = proposed.evidence.classes[0]
    text = text_of(carried_section(proposed, shown, draft.of("carrier")))
    for told in ("k00 → k03", "similarity 0.87", "Take over: cut the edge k01 → k00", "“chance”"):
        assert told in text
    assert "no concept is like old/a" in text
    assert "Take back" not in text


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.op)
def test_a_proposal_is_taken_over_with_its_reason_and_taken_back_whole(
    proposed: Shown, op: GraphOp
) -> None:
    shown, one = proposed.evidence.classes[0], carried(op)
    empty = Draft(bundle_sha256=proposed.digest)
    draft = done(proposed, empty, take_over("carrier", one))
    assert is_taken_over(draft.of("carrier"), one)
    (edit,) = edits_of(draft, proposed.evidence)
    assert edit.ops[0].reason == op.reason
    wanted = 2 if isinstance(op, AddEdge) else 1
    assert len(edit.ops) == wanted
    assert "in your answer" in text_of(carried_section(proposed, shown, draft.of("carrier")))
    back = done(proposed, draft, take_back("carrier", shown, one))
    assert not is_taken_over(back.of("carrier"), one)
    assert back.of("carrier") == ClassDraft()


def test_all_proposals_together_are_an_answer_that_the_gate_takes(proposed: Shown) -> None:
    draft = Draft(bundle_sha256=proposed.digest)
    for one in proposed.evidence.classes[0].carried:
        draft = done(proposed, draft, take_over("carrier", one))
    (edit,) = edits_of(draft, proposed.evidence)
    assert len(edit.ops) == 4


def test_the_overview_leads_to_the_classes_that_earlier_reviews_speak_of(
    proposed: Shown, desk: Desk, shown: Shown
) -> None:
    assert "carrier" in text_of(carried_summary(proposed.evidence))
    assert "tank" not in text_of(carried_summary(proposed.evidence))
    draft = Draft(bundle_sha256=proposed.digest)
    standing = desk.standing(proposed, "ada", NOW)
    whole = parts_of(proposed, draft, View(), standing, "ada", NOW)
    assert "Carried over from earlier reviews" in text_of(whole["overview"])
    one = parts_of(proposed, draft, View(class_name="carrier"), standing, "ada", NOW)
    assert "similarity 0.87" in text_of(one["carried"])
    # A request without an earlier review says nothing of it.
    assert "Carried over" not in text_of(carried_summary(shown.evidence))
