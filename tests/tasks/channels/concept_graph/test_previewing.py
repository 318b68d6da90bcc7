import pytest
import torch

from feedback.channels.concept_graph import GraphEdit, ReplaceConcept
from feedback.errors import BundleMismatchError
from models.concept_graph.params import ConceptGraphParams, CopyParams
from tasks.channels.concept_graph.correcting import edit_graphs
from tasks.channels.concept_graph.matching import match_universe
from tasks.channels.concept_graph.mining import load_bank
from tasks.channels.concept_graph.previewing import (
    MOST_EPOCHS,
    MOST_SEEDS,
    preview_edits,
    quick_params,
)
from tasks.channels.concept_graph.reasoning import fit_teacher, load_graphs, load_matched
from tasks.channels.concept_graph.segmenting import load_universe


def preview(staged, edits):
    return preview_edits(
        staged.workplace,
        basis=staged.basis,
        concepts=staged.concepts,
        edits=edits,
        params=staged.channel,
        seed=0,
    )


@pytest.fixture(scope="module")
def edit(staged):
    """Put the concept that is found most rarely into the second slot of the graph of squares."""
    graph = load_graphs(staged.work, staged.concepts)[1]
    bank = load_bank(staged.work, staged.concepts)
    rows = [row for row, name in enumerate(bank.concept_ids) if name not in graph.concepts]
    other = bank.concept_ids[min(rows, key=lambda row: float(bank.detection_rate[row]))]
    op = ReplaceConcept(slot=1, from_=graph.concepts[1], to=other, reason="background")
    revision = graph.revision.removeprefix("sha256:")
    return GraphEdit(class_name=graph.class_name, base_cscg=revision, ops=(op,))


def teacher_of(staged, edits):
    """Fit the teacher of a correction that has as few seeds and no copies, as the preview's."""
    params = quick_params(staged.channel).model_copy(
        update={"copies": CopyParams(blank=0, transplant=0)}
    )
    graphs = edit_graphs.fn(staged.workplace, concepts=staged.concepts, edits=edits)
    return fit_teacher.fn(
        staged.workplace,
        basis=staged.basis,
        concepts=staged.concepts,
        graphs=staged.workplace.artifacts.load_list(graphs.outputs["graphs"]),
        params=params,
        seed=0,
    )


def test_the_numbers_are_those_of_the_corrections_own_matching_and_teacher(staged, edit):
    edits = [edit.model_dump(mode="json")]
    found = preview(staged, edits)
    squares = load_universe(staged.work, staged.basis).images.labels == edit_class(staged)
    rates = []
    for taught, accuracy in (
        (teacher_of(staged, []), found.accuracy_before),
        (teacher_of(staged, edits), found.accuracy_after),
    ):
        assert accuracy == taught.number("validation_accuracy")
        assert found.n_images == taught.number("validation_images")
        rates.append(float(load_matched(staged.work, taught).present[squares, 1, 1].float().mean()))
    (concept,) = found.concepts
    assert [concept.detection_before, concept.detection_after] == pytest.approx(rates)
    # Otherwise the test could not tell one from the other.
    assert rates[0] != rates[1]
    assert (concept.class_name, concept.slot) == ("squares", 1)
    assert (concept.before, concept.after) == (edit.ops[0].from_, edit.ops[0].to)


def edit_class(staged):
    return staged.basis.class_ids[1]


def test_the_graphs_as_shown_are_reasoned_about_once(staged, edit):
    preview(staged, [edit.model_dump(mode="json")])
    before = len(staged.workplace.results)
    cut = {"op": "remove_edge", "src": 0, "dst": 1}
    other = preview(staged, [{**edit.model_dump(mode="json"), "ops": [cut]}])
    assert other.concepts == ()
    reused = [r.reused for r in staged.workplace.results[before:] if r.name == "preview_graphs"]
    assert reused == [True, False]


def test_edits_of_other_graphs_are_refused(staged, edit):
    with pytest.raises(BundleMismatchError, match="the graph has changed since"):
        preview(staged, [{**edit.model_dump(mode="json"), "base_cscg": "0" * 64}])


def test_the_reasoner_is_quick_and_never_larger_than_the_corrections():
    quick = quick_params(ConceptGraphParams()).reasoner
    assert (quick.n_seeds, quick.epochs) == (MOST_SEEDS, MOST_EPOCHS)
    small = ConceptGraphParams.model_validate({"reasoner": {"n_seeds": 1, "epochs": 3}})
    assert quick_params(small) == small


def test_matching_some_images_is_matching_all_and_choosing(staged):
    universe = load_universe(staged.work, staged.basis)
    graphs = load_graphs(staged.work, staged.concepts)
    some = torch.tensor([7, 2, 3])
    matched = [
        match_universe(
            staged.work, universe, staged.concepts, graphs, staged.channel, "correction", rows
        )
        for rows in (None, some)
    ]
    for name in ("nodes", "present", "positions", "distances"):
        assert torch.equal(getattr(matched[0].select(some), name), getattr(matched[1], name))
