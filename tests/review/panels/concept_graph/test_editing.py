import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.channels.concept_graph.ops import AddEdge, RemoveEdge, ReplaceConcept
from feedback.channels.concept_graph.validation import check_edits
from feedback.errors import (
    ContradictionError,
    FeedbackError,
    MalformedDocumentError,
    UnknownTargetError,
)
from review.actions import EditAction
from review.draft import MAX_STEPS, Draft, read_draft
from review.editing import apply, responses_of, warnings_of
from review.panel import load_panel
from review.panels.concept_graph import ClassDraft
from review.shown import show
from tests.review.conftest import read
from tests.review_request import make_bundle

SHOWN = show(make_bundle(), load_panel("concept_graph"))
EVIDENCE = SHOWN.evidence
EMPTY = SHOWN.empty_draft()


def action(kind: str, **fields: object) -> EditAction:
    return read(SHOWN, {"kind": kind, **fields})  # type: ignore[return-value]


def replace(slot: int, to: str, item: str = "carrier") -> EditAction:
    return action("replace", item=item, slot=slot, to=f"{item}/{to}")


def edge(src: int, dst: int, state: str, *, both: bool = False) -> EditAction:
    return action("edge", item="carrier", src=src, dst=dst, state=state, both_ways=both)


def run(*actions: EditAction, draft: Draft = EMPTY) -> Draft:
    for one in actions:
        draft = apply(draft, one, SHOWN)
    return draft


classes = st.sampled_from(["carrier", "tank", "Flugzeugträger", "no such class"])
slots = st.integers(0, 4)
texts = st.text(max_size=30)
actions = st.one_of(
    st.fixed_dictionaries(
        {
            "kind": st.just("replace"),
            "item": classes,
            "slot": slots,
            "to": st.builds("{}/k0{}".format, classes, st.integers(0, 7)),
        }
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("edge"),
            "item": classes,
            "src": slots,
            "dst": slots,
            "state": st.sampled_from(["removed", "added", "as_shown"]),
            "both_ways": st.booleans(),
        }
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("reason"),
            "item": classes,
            "src": slots,
            "dst": st.none() | slots,
            "text": texts,
        }
    ),
    st.fixed_dictionaries({"kind": st.just("remark"), "item": classes, "text": texts}),
    st.fixed_dictionaries({"kind": st.sampled_from(["confirm", "reset"]), "item": classes}),
    st.fixed_dictionaries(
        {"kind": st.just("confidence"), "item": classes, "level": st.integers(0, 6)}
    ),
    st.fixed_dictionaries({"kind": st.just("comment"), "text": texts}),
    st.fixed_dictionaries({"kind": st.sampled_from(["undo", "redo"])}),
)


@given(st.lists(actions, max_size=25))
def test_whatever_is_done_the_answer_is_valid_and_every_step_can_be_undone(
    messages: list[dict[str, object]],
) -> None:
    draft = EMPTY
    for message in messages:
        try:
            after = apply(draft, read(SHOWN, message), SHOWN)  # type: ignore[arg-type]
        except FeedbackError:
            continue
        check_edits(EVIDENCE, responses_of(after, SHOWN), verdict="approve")
        if len(after.past) == len(draft.past) + 1 and message["kind"] != "redo":
            undone = apply(after, action("undo"), SHOWN)
            assert undone.items == draft.items
            assert apply(undone, action("redo"), SHOWN).items == after.items
        assert read_draft(after.model_dump(mode="json"), ClassDraft, EMPTY.bundle_sha256) == after
        draft = after
    while draft.past:
        draft = apply(draft, action("undo"), SHOWN)
    assert not draft.items


def test_edits_become_the_operations_of_a_response() -> None:
    draft = run(
        replace(0, "k03"),
        action("reason", item="carrier", src=0, text="the sea"),
        edge(1, 2, "removed"),
        edge(2, 0, "added", both=True),
    )
    (edit,) = responses_of(draft, SHOWN)
    assert edit.base_cscg == "a" * 64
    assert edit.ops == (
        ReplaceConcept(slot=0, from_="carrier/k00", to="carrier/k03", reason="the sea"),
        AddEdge(src=0, dst=2),
        RemoveEdge(src=1, dst=2),
        AddEdge(src=2, dst=0),
    )


def test_putting_back_what_was_shown_takes_the_edit_away() -> None:
    draft = run(replace(0, "k03"), replace(0, "k00"), edge(0, 1, "removed"), edge(0, 1, "as_shown"))
    assert (draft.items, len(draft.past)) == ({}, 4)


def test_an_action_that_changes_nothing_is_no_step() -> None:
    assert run(replace(0, "k00"), edge(0, 1, "as_shown")) is EMPTY


@pytest.mark.parametrize(
    ("messages", "kind"),
    [
        ([replace(0, "k01")], ContradictionError),
        ([replace(0, "k03"), replace(1, "k03")], ContradictionError),
        ([replace(3, "k03")], UnknownTargetError),
        ([replace(0, "k09")], UnknownTargetError),
        ([replace(0, "k03", "submarine")], UnknownTargetError),
        ([edge(1, 1, "removed")], UnknownTargetError),
        ([edge(0, i, "removed", both=True) for i in (1, 2)], ContradictionError),
        ([action("undo")], ContradictionError),
        ([replace(0, "k03"), action("confirm", item="carrier")], ContradictionError),
        ([action("reason", item="carrier", src=0, text="why")], UnknownTargetError),
    ],
)
def test_what_the_gate_would_refuse_is_refused_at_once(
    messages: list[EditAction], kind: type[FeedbackError]
) -> None:
    *before, last = messages
    draft = run(*before)
    with pytest.raises(kind, match=r"expected .* \(got .*\)"):
        apply(draft, last, SHOWN)


def test_a_new_step_forgets_what_was_undone() -> None:
    draft = run(replace(0, "k03"), action("undo"), edge(0, 1, "removed"))
    assert (len(draft.past), draft.future) == (1, ())


def test_only_the_latest_steps_are_kept() -> None:
    flips = [edge(0, 1, state) for state in ("removed", "added")] * MAX_STEPS
    assert len(run(*flips).past) == MAX_STEPS


def test_weak_candidates_are_warned_of() -> None:
    (warning,) = warnings_of(run(replace(0, "k04")), SHOWN)
    assert "19% of the images" in warning


@pytest.mark.parametrize(
    "data",
    [
        None, 3, [], {}, {"bundle_sha256": "f" * 64}, {"x": 1},
        {"items": {"carrier": {"concepts": [], "cells": [[0, 6]]}}},
        {"items": {"carrier": {"concepts": [{"slot": "0", "to": "x"}]}}},
        {"past": [{"item": "carrier", "before": {}, "after": {"edges": 3}}]},
        {"items": {f"class {n}": {} for n in range(10_001)}},
    ],
)  # fmt: skip
def test_a_draft_that_is_damaged_or_of_another_request_starts_empty(data: object) -> None:
    if isinstance(data, dict) and data:
        data = {"bundle_sha256": EMPTY.bundle_sha256, **data}
    assert read_draft(data, ClassDraft, EMPTY.bundle_sha256) is None


@pytest.mark.parametrize(
    "message",
    [
        None, [], {"kind": "promote"}, {"kind": "undo", "x": 1},
        {"kind": "comment", "text": "\x1b["},
        {"kind": "comment", "text": "x" * 4001}, {"kind": "edge", "item": "carrier"},
        {"kind": "replace", "item": "carrier", "slot": "0", "to": "x"},
    ],
)  # fmt: skip
def test_messages_that_the_page_does_not_offer_are_refused(message: object) -> None:
    with pytest.raises(MalformedDocumentError, match="an action of this page"):
        read(SHOWN, message)
