import pytest
import torch

from feedback.channels.concept_graph import AddEdge, GraphEdit, RemoveEdge, ReplaceConcept
from models.concept_graph.carrying import (
    Carried,
    Lost,
    Match,
    Twin,
    carry_edit,
    concept_similarities,
    find_twins,
    match_concepts,
)

THEN = ("old/a", "old/b", "old/c")
NOW = ("new/c", "new/a", "new/x")
SAME = {
    "old/a": Twin("new/a", 0.9),
    "old/b": Twin(None, 0.31),
    "old/c": Twin("new/c", 0.8),
    "old/d": Twin("new/d", 0.7),
    "old/e": Twin("new/e", 0.95),
}


def edit(*ops):
    return GraphEdit(class_name="ship", base_cscg="a" * 64, ops=ops)


def carry(*ops):
    return carry_edit(edit(*ops), THEN, NOW, SAME)


def test_cosines_are_taken_from_what_concepts_do_not_share():
    origin = torch.tensor([10.0, 10.0])
    old = torch.tensor([[11.0, 10.0], [10.0, 12.0]])
    new = torch.tensor([[13.0, 10.0], [9.0, 10.0], [11.0, 11.0]])
    expected = torch.tensor([[1.0, -1.0, 0.5**0.5], [0.0, 0.0, 0.5**0.5]])
    torch.testing.assert_close(concept_similarities(old, new, origin), expected)


def test_the_most_alike_are_paired_first_and_each_once():
    # By rows alone both would take column 0; the second must be content with column 1.
    similarities = torch.tensor([[0.90, 0.10], [0.95, 0.70], [0.94, 0.65]])
    pairs = match_concepts(similarities, 0.6)
    assert [pair[:2] for pair in pairs] == [(1, 0), (2, 1)]
    assert [pair.similarity for pair in pairs] == pytest.approx([0.95, 0.65])
    assert match_concepts(similarities, 0.951) == []
    assert match_concepts(torch.zeros(0, 0), 0.1) == []
    assert match_concepts(torch.zeros(2, 0), 0.1) == []


def test_of_equals_the_first_are_paired():
    assert match_concepts(torch.ones(2, 2), 0.5) == [Match(0, 0, 1.0), Match(1, 1, 1.0)]


def test_a_concept_without_a_twin_tells_how_near_it_came():
    twins = find_twins(("a", "b"), ("x",), torch.tensor([[0.9], [0.8]]), 0.5)
    assert twins["a"].concept_id == "x"
    assert twins["b"].concept_id is None
    assert twins["b"].similarity == pytest.approx(0.8)
    assert find_twins(("a",), (), torch.zeros(1, 0), 0.5) == {"a": Twin(None, -1.0)}


def test_a_replacement_is_said_of_the_slot_where_the_concept_stands_now():
    carried, lost = carry(ReplaceConcept(slot=0, from_="old/a", to="old/d", reason="all sea"))
    op = ReplaceConcept(slot=1, from_="new/a", to="new/d", reason="all sea")
    assert carried == [Carried(op, "old/a replaced by old/d", 0.7)]
    assert lost == []


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("old/b", "old/d", "no concept is like old/b now (the closest has cosine 0.31)"),
        ("old/a", "old/b", "no concept is like old/b now (the closest has cosine 0.31)"),
        ("old/e", "old/d", "old/e is new/e now and not in the graph"),
        ("old/a", "old/c", "old/c is new/c now and in the graph already"),
        ("old/a", "old/unseen", "old/unseen left no picture to compare with"),
    ],
)
def test_a_replacement_that_fits_no_more_is_lost_with_the_reason(source, target, why):
    carried, lost = carry(ReplaceConcept(slot=0, from_=source, to=target))
    assert carried == []
    assert lost == [Lost(f"{source} replaced by {target}", why)]


def test_edges_join_the_concepts_that_stand_there_after_the_edits():
    carried, lost = carry(
        RemoveEdge(src=0, dst=2, reason="chance"),
        ReplaceConcept(slot=0, from_="old/a", to="old/d"),
        AddEdge(src=2, dst=0, bidirectional=True),
        AddEdge(src=1, dst=2),
    )
    assert [(one.op.op, one.similarity) for one in carried] == [
        ("replace_concept", 0.7), ("remove_edge", 0.7), ("add_edge", 0.7),
    ]  # fmt: skip
    # Old slot 0 holds old/d after the edit, which is new/d in slot 1 of the graph of now.
    removed, added = carried[1].op, carried[2].op
    assert (removed.src, removed.dst, removed.reason) == (1, 0, "chance")
    assert (added.src, added.dst, added.bidirectional) == (0, 1, True)
    assert carried[1].was == "edge old/d → old/c removed"
    assert carried[2].was == "edge old/c ↔ old/d added"
    assert [one.was for one in lost] == ["edge old/b → old/c added"]


def test_every_operation_is_carried_or_lost_once():
    ops = [ReplaceConcept(slot=s, from_=THEN[s], to=f"old/{n}") for s, n in enumerate("deb")]
    ops += [RemoveEdge(src=s, dst=t) for s in range(3) for t in range(3) if s != t]
    carried, lost = carry(*ops)
    assert len(carried) + len(lost) == len(ops)
