import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback.channels.concept_graph.ops import AddEdge, GraphEdit, RemoveEdge, ReplaceConcept
from feedback.errors import BundleMismatchError, ContradictionError, UnknownTargetError
from models.concept_graph.edits import added_mask, apply_edits, edge_mask, replaced_slots
from models.concept_graph.graph import ClassGraph, edge_pairs
from models.concept_graph.random_edits import random_edits
from tests.models.concept_graph.concept_banks import make_bank


def graph_of(class_id, name, k=3):
    return ClassGraph(
        class_id, name, tuple(f"{name}/k{i:02d}" for i in range(k)), ("auto",) * (k * (k - 1))
    )


def bank_of(names, per_class=8, popular=None):
    ids = [f"{name}/k{i:02d}" for name in names for i in range(per_class)]
    is_popular = torch.ones(len(ids), dtype=torch.bool) if popular is None else popular
    return make_bank(
        ids,
        torch.arange(len(ids), dtype=torch.float32)[:, None],
        class_ids=torch.arange(len(names)).repeat_interleave(per_class),
        popular=is_popular,
        significant=is_popular,
    )


CAT, DOG = graph_of(0, "cat"), graph_of(1, "dog")
BANK = bank_of(("cat", "dog"))


def edit_of(graph, *ops):
    return GraphEdit(class_name=graph.class_name, base_cscg=graph.revision, ops=ops)


def replacement(graph, slot, to):
    return ReplaceConcept(slot=slot, from_=graph.concepts[slot], to=to)


def test_all_kinds_of_edits_apply_together_and_leave_the_old_graphs_alone():
    edit = edit_of(
        CAT,
        replacement(CAT, 0, "cat/k05"),
        RemoveEdge(src=1, dst=2),
        AddEdge(src=0, dst=2, bidirectional=True),
    )
    cat, dog = apply_edits([CAT, DOG], [edit], BANK)
    assert cat.concepts == ("cat/k05", "cat/k01", "cat/k02")
    # Order of edges: 0>1 0>2 1>0 1>2 2>0 2>1.
    assert cat.edge_state == ("auto", "added", "auto", "removed", "added", "auto")
    assert dog is DOG
    assert graph_of(0, "cat") == CAT
    assert cat.revision != CAT.revision


def test_masks_say_which_edges_carry_messages_and_which_were_asserted():
    edit = edit_of(CAT, RemoveEdge(src=1, dst=2), AddEdge(src=0, dst=1))
    after = apply_edits([CAT, DOG], [edit], BANK)
    kept, added = edge_mask(after), added_mask(after)
    assert kept.shape == added.shape == (2, 6)
    assert (~kept).nonzero().tolist() == [[0, 3]]
    assert added.nonzero().tolist() == [[0, 0]]


def test_replaced_slots_are_those_whose_concept_differs():
    after = apply_edits([CAT, DOG], [edit_of(DOG, replacement(DOG, 2, "dog/k07"))], BANK)
    assert replaced_slots([CAT, DOG], after).nonzero().tolist() == [[1, 2]]


def test_the_same_edits_on_the_same_base_give_the_same_revision():
    edit = edit_of(CAT, replacement(CAT, 0, "cat/k05"), RemoveEdge(src=0, dst=1))
    first, second = (apply_edits([CAT], [edit], BANK)[0].revision for _ in range(2))
    assert first == second


def test_edits_of_another_revision_are_stale():
    edit = edit_of(CAT, RemoveEdge(src=0, dst=1))
    after = apply_edits([CAT], [edit], BANK)
    with pytest.raises(BundleMismatchError, match="review it again"):
        apply_edits(after, [edit], BANK)


def test_nothing_is_applied_when_one_of_several_edits_is_refused():
    good = edit_of(CAT, RemoveEdge(src=0, dst=1))
    bad = edit_of(DOG, RemoveEdge(src=0, dst=9))
    graphs = [CAT, DOG]
    with pytest.raises(UnknownTargetError):
        apply_edits(graphs, [good, bad], BANK)
    assert graphs == [graph_of(0, "cat"), graph_of(1, "dog")]


def test_two_concepts_may_change_places():
    edit = edit_of(CAT, replacement(CAT, 0, "cat/k01"), replacement(CAT, 1, "cat/k00"))
    (cat,) = apply_edits([CAT], [edit], BANK)
    assert cat.concepts == ("cat/k01", "cat/k00", "cat/k02")


@pytest.mark.parametrize(
    ("ops", "error", "message"),
    [
        ([replacement(CAT, 0, "cat/k99")], UnknownTargetError, "concept of the bank"),
        ([ReplaceConcept(slot=7, from_="cat/k00", to="cat/k05")], UnknownTargetError, "slot in"),
        ([ReplaceConcept(slot=0, from_="cat/k02", to="cat/k05")], UnknownTargetError, "to hold"),
        ([replacement(CAT, 0, "cat/k01")], ContradictionError, "at most once"),
        ([RemoveEdge(src=1, dst=1)], UnknownTargetError, "two different nodes"),
        ([RemoveEdge(src=0, dst=1), AddEdge(src=0, dst=1)], ContradictionError, "got both"),
        (
            [AddEdge(src=1, dst=0, bidirectional=True), RemoveEdge(src=0, dst=1)],
            ContradictionError,
            "got both",
        ),
    ],
)
def test_impossible_operations_are_refused_with_a_reason(ops, error, message):
    with pytest.raises(error, match=message):
        apply_edits([CAT], [edit_of(CAT, *ops)], BANK)


def test_unknown_and_doubly_edited_classes_are_refused():
    edit = edit_of(CAT, RemoveEdge(src=0, dst=1))
    with pytest.raises(UnknownTargetError, match="classes under review"):
        apply_edits([DOG], [edit], BANK)
    with pytest.raises(ContradictionError, match="got two"):
        apply_edits([CAT], [edit, edit], BANK)


def test_an_edit_without_operations_changes_nothing():
    assert apply_edits([CAT], [edit_of(CAT)], BANK) == [CAT]


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 3),
    st.lists(st.sampled_from(["remove", "add", "both"]), max_size=3),
    st.integers(0, 10_000),
)
def test_random_edits_have_the_same_size_and_always_apply(n_replaced, edges, seed):
    graph = graph_of(0, "cat", k=5)
    pairs = [(0, 1), (1, 2), (2, 3)]
    ops = [replacement(graph, slot, f"cat/k{5 + slot:02d}") for slot in range(n_replaced)]
    for kind, (src, dst) in zip(edges, pairs, strict=False):
        if kind == "remove":
            ops.append(RemoveEdge(src=src, dst=dst))
        else:
            ops.append(AddEdge(src=src, dst=dst, bidirectional=kind == "both"))
    like = edit_of(graph, *ops)
    (drawn,) = random_edits([graph], BANK, [like], torch.Generator().manual_seed(seed))
    assert [op.op for op in drawn.ops] == [op.op for op in like.ops]
    before, real, random = [graph], *(apply_edits([graph], [e], BANK) for e in (like, drawn))
    assert replaced_slots(before, random).sum() == replaced_slots(before, real).sum()
    assert edge_mask(random).sum() == edge_mask(real).sum()
    assert added_mask(random).sum() == added_mask(real).sum()


def test_random_edits_follow_their_generator():
    graph = graph_of(0, "cat", k=5)
    like = edit_of(graph, replacement(graph, 0, "cat/k05"), RemoveEdge(src=0, dst=1))

    def draw(seed):
        return random_edits([graph], BANK, [like], torch.Generator().manual_seed(seed))

    assert draw(1) == draw(1)
    assert len({draw(seed)[0].model_dump_json() for seed in range(10)}) > 1


def test_random_replacements_are_popular_while_there_are_enough():
    popular = torch.zeros(16, dtype=torch.bool)
    popular[6] = True
    bank = bank_of(("cat", "dog"), popular=popular)
    like = edit_of(CAT, replacement(CAT, 0, "cat/k05"))
    for seed in range(5):
        (drawn,) = random_edits([CAT], bank, [like], torch.Generator().manual_seed(seed))
        assert drawn.ops[0].to == "cat/k06"


def test_more_random_edges_than_there_are_is_refused():
    graph = graph_of(0, "cat", k=2)
    ops = [RemoveEdge(src=s, dst=t) for s, t in edge_pairs(2)] * 2
    with pytest.raises(ValueError, match="at least 4 edges"):
        random_edits([graph], BANK, [edit_of(graph, *ops)], torch.Generator())
