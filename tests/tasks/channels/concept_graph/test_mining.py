import pytest
import torch

from benchmarks.correction.preparing import mine_concepts
from feedback.errors import NoConceptsFoundError
from models.concept_graph.params import ConceptGraphParams
from tasks.channels.concept_graph.mining import gate_classes, load_bank, mining_params
from tasks.channels.concept_graph.reasoning import load_graphs
from tasks.channels.concept_graph.segmenting import load_universe


def test_concepts_come_from_training_images_of_their_own_class(staged):
    universe, bank = (
        load_universe(staged.work, staged.basis),
        load_bank(staged.work, staged.concepts),
    )
    assert set(bank.class_ids.tolist()) == {0, 2}
    shown = 0
    for class_id, rows in zip(
        bank.class_ids.tolist(), bank.exemplar_segments.tolist(), strict=True
    ):
        images = [int(universe.segments.image_index[row]) for row in rows if row >= 0]
        shown += len(images)
        assert len(set(images)) == len(images)
        for image in images:
            assert int(universe.images.labels[image]) == class_id
            assert not universe.validation[image]
    assert shown > 0


def test_the_first_graphs_hold_the_asked_number_of_own_concepts(staged):
    graphs, bank = (
        load_graphs(staged.work, staged.concepts),
        load_bank(staged.work, staged.concepts),
    )
    assert [graph.class_id for graph in graphs] == [0, 2]
    for graph in graphs:
        assert graph.n_concepts == 2
        assert {int(bank.class_ids[bank.row(name)]) for name in graph.concepts} == {graph.class_id}
        assert set(graph.edge_state) == {"auto"}
    counted = {graph.class_name: len(bank.of_class(graph.class_id)) for graph in graphs}
    assert staged.concepts.facts["concepts"] == counted


def test_every_segment_is_embedded_and_no_gate_lets_all_pass(staged):
    universe = load_universe(staged.work, staged.basis)
    stored = staged.tensors(staged.concepts, "embeddings")
    assert len(stored["embeddings"]) == len(stored["gate_coverage"]) == len(universe.segments)
    assert torch.isfinite(stored["embeddings"]).all()


def test_the_same_seed_mines_the_same_concepts(staged):
    staged.workplace.fresh = True
    try:
        again = mine_concepts(staged.workplace, staged.basis, staged.channel, seed=0)
    finally:
        staged.workplace.fresh = False
    assert again.digest() == staged.concepts.digest()


@pytest.mark.parametrize(
    ("group", "changes"),
    [
        ("graph", {"n_concepts": 3}),
        ("graph", {"explanation_slack": 2.5, "correction_slack": 2.5, "absent": "masked"}),
        ("gate", {"correction": True}),
    ],
)
def test_what_only_graphs_and_matching_read_mines_nothing_anew(staged, group, changes):
    before = len(staged.workplace.results)
    mine_concepts(staged.workplace, staged.basis, changed(staged.channel, group, changes), seed=0)
    again = [(one.name, one.reused) for one in staged.workplace.results[before:]]
    assert again[:3] == [("embed_segments", True), ("mine_class", True), ("mine_class", True)]


@pytest.mark.parametrize(
    ("group", "changes"),
    [
        ("graph", {"threshold_quantile": 0.5}),
        ("graph", {"rank_by": "tcav"}),
        ("gate", {"explanation": False}),
        ("clusters", {"n_clusters": 7}),
        ("tcav", {"level": 0.2}),
    ],
)
def test_what_mining_reads_is_a_part_of_its_key(group, changes):
    plain = ConceptGraphParams()
    assert mining_params(changed(plain, group, changes)) != mining_params(plain)


def changed(params, group, changes):
    return params.model_copy(update={group: getattr(params, group).model_copy(update=changes)})


def test_too_few_concepts_say_what_to_change(staged):
    params = staged.channel.model_copy(
        update={"graph": staged.channel.graph.model_copy(update={"n_concepts": 5})}
    )
    with pytest.raises(NoConceptsFoundError, match=r"5 concepts of class 'bars' \(got 4\)"):
        mine_concepts(staged.workplace, staged.basis, params, seed=0)


def test_an_image_is_gated_by_its_label_or_by_what_it_is_taken_for(staged):
    universe = load_universe(staged.work, staged.basis)
    # Discs are not under review, so their logit decides nothing.
    logits = torch.tensor([1.0, 9.0, 2.0]).repeat(len(universe.images), 1)
    found = gate_classes(universe, logits)
    own = universe.under_review
    assert torch.equal(found[own], universe.images.labels[own])
    assert set(found[~own].tolist()) == {2}
