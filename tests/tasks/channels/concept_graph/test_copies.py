import torch

from models.concept_graph.bank import top_concepts
from models.concept_graph.params import CopyParams
from tasks.channels.concept_graph.copies import match_copies
from tasks.channels.concept_graph.matching import match_universe
from tasks.channels.concept_graph.mining import load_bank
from tasks.channels.concept_graph.reasoning import load_graphs
from tasks.channels.concept_graph.segmenting import load_universe


def edited(staged):
    """Replace the first class's first concept by one that its graph does not have."""
    graphs = load_graphs(staged.work, staged.concepts)
    first = graphs[0]
    bank = load_bank(staged.work, staged.concepts)
    best = [bank.concept_ids[int(row)] for row in top_concepts(bank, first.class_id, 99)]
    others = [concept for concept in best if concept not in first.concepts]
    concepts = (others[0], *first.concepts[1:])
    return graphs, [
        type(first)(first.class_id, first.class_name, concepts, first.edge_state),
        *graphs[1:],
    ]


def copies(staged, edit, graphs=None, **changes):
    params = staged.channel.model_copy(update={"copies": CopyParams(**changes)})
    universe = load_universe(staged.work, staged.basis)
    return match_copies(
        staged.work,
        staged.basis,
        staged.concepts,
        universe,
        edit,
        graphs or edit[1],
        params,
        seed=0,
    )


def test_nothing_is_copied_when_nothing_was_replaced(staged):
    graphs = load_graphs(staged.work, staged.concepts)
    assert copies(staged, (graphs, graphs)) is None
    assert copies(staged, edited(staged), blank=0, transplant=0) is None


def test_blanked_copies_are_of_the_class_whose_concept_was_rejected(staged):
    universe = load_universe(staged.work, staged.basis)
    made = copies(staged, edited(staged), blank=1, transplant=0)
    assert made is not None
    graphs, rows = made
    assert len(graphs) == len(rows) == len(set(rows.tolist()))
    assert set(universe.images.labels[rows].tolist()) == {staged.basis.class_ids[0]}


def test_transplants_reach_every_image_of_the_other_classes_and_no_other_image(staged):
    universe = load_universe(staged.work, staged.basis)
    made = copies(staged, edited(staged), blank=0, transplant=2)
    assert made is not None
    wanted = (universe.images.labels == staged.basis.class_ids[1]).nonzero().flatten()
    assert sorted(made[1].tolist()) == sorted(wanted.tolist() * 2)


def test_a_copy_is_seen_with_the_segments_of_its_image_and_other_features(staged):
    before, after = edited(staged)
    made = copies(staged, (before, after), blank=1, transplant=0)
    assert made is not None
    universe = load_universe(staged.work, staged.basis)
    unaltered = match_universe(
        staged.work, universe, staged.concepts, after, staged.channel, "correction"
    ).select(made[1])
    same = (unaltered.positions == made[0].positions).all(dim=-1)
    assert bool(same.any())
    assert not torch.equal(unaltered.nodes[same], made[0].nodes[same])
    again = copies(staged, (before, after), blank=1, transplant=0)
    assert again is not None
    assert torch.equal(made[0].nodes, again[0].nodes)


def test_the_teacher_of_an_edit_learns_from_copies_and_that_of_unmodified_graphs_has_none(staged):
    before, after = edited(staged)
    assert staged.teacher(before).facts["copies"] == 0
    made = copies(staged, (before, after))
    assert made is not None
    assert staged.teacher(after).facts["copies"] == len(made[1])


def test_a_control_sees_the_copies_of_an_edit_through_graphs_without_it(staged):
    before, after = edited(staged)
    with_edit, without = (copies(staged, (before, after), graphs) for graphs in (after, before))
    assert with_edit is not None
    assert without is not None
    assert torch.equal(with_edit[1], without[1])
    # Of the first class one concept differs; the other class's graph is the same for both.
    assert not torch.equal(with_edit[0].nodes[:, 0, 0], without[0].nodes[:, 0, 0])
    assert torch.equal(with_edit[0].nodes[:, 0, 1:], without[0].nodes[:, 0, 1:])
    assert torch.equal(with_edit[0].nodes[:, 1], without[0].nodes[:, 1])
