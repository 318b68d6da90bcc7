from dataclasses import replace

import pytest
import torch
from matplotlib.figure import Figure

from feedback.channels.concept_graph import GraphEvidence
from models.concept_graph.deletion import deletion_effect
from models.concept_graph.explanation import Contributions
from tasks.channels.concept_graph.evidence import draw_crops
from tasks.channels.concept_graph.examples import Explained, example_figure
from tasks.channels.concept_graph.explaining import explain_classes
from tasks.channels.concept_graph.mining import load_bank
from tasks.channels.concept_graph.reasoning import load_graphs, load_matched
from tasks.channels.concept_graph.segmenting import load_universe
from tasks.classifier import load_classifier


def test_what_blanking_does_stands_beside_the_concept_that_was_blanked(staged):
    explanation = explain_classes.fn(
        staged.workplace,
        basis=staged.basis,
        concepts=staged.concepts,
        reasoner=staged.reasoner,
        seed=0,
    )
    told = staged.work.artifacts.load_json(explanation.outputs["evidence"])
    evidence = GraphEvidence.model_validate(told)
    universe = load_universe(staged.work, staged.basis)
    matched = load_matched(staged.work, staged.reasoner)
    position = {
        graph.class_name: (at, graph.class_id)
        for at, graph in enumerate(load_graphs(staged.work, staged.concepts))
    }
    model = load_classifier(staged.work.artifacts, staged.basis.classifier)
    true_classes = {example.true_class for example in evidence.examples}
    assert true_classes == set(position)
    for example in evidence.examples:
        at, class_id = position[example.true_class]
        row = universe.images.names.index(example.image)
        assert len(example.deletion) == len(example.concepts)
        for concept, change in zip(example.concepts, example.deletion, strict=True):
            segment = int(matched.segment_index[row, at, concept.slot])
            assert concept.class_name != example.true_class or concept.present == bool(
                matched.present[row, at, concept.slot]
            )
            if concept.class_name != example.true_class or not concept.present:
                assert change is None
                continue
            effect = deletion_effect(
                model,
                universe.images.images[row][None],
                universe.segments.mask(segment)[None],
                torch.tensor([class_id]),
            )
            # Single precision, in batches of another size, told with six digits.
            assert change == pytest.approx(float(effect.logit_change), rel=1e-3, abs=1e-4)


def test_the_figure_asks_of_a_mistake_why_not_the_truth(staged, monkeypatch):
    drawn = []

    def draw(pixels, located, why, why_not, **rest):
        drawn.append((why.class_name, why_not.class_name))
        return Figure()

    monkeypatch.setattr("models.concept_graph.contribution_figure.contribution_figure", draw)
    universe = load_universe(staged.work, staged.basis)
    bank = load_bank(staged.work, staged.concepts)
    graphs = tuple(load_graphs(staged.work, staged.concepts))
    # A third class, so that there is somebody else to be asked about.
    logits = torch.tensor([[0.0, 2.0, 1.0]]).repeat(len(universe.images.labels), 1)
    three = (*graphs, replace(graphs[0], class_name="discs", class_id=1))
    nodes = torch.zeros(len(logits), 3, 3, graphs[0].n_concepts)
    pairs = graphs[0].n_concepts * (graphs[0].n_concepts - 1)
    shares = Contributions(
        nodes=nodes,
        edges=torch.zeros(len(logits), 3, 3, pairs),
        bias=torch.zeros(3),
        logits=logits,
    )
    matched = load_matched(staged.work, staged.reasoner)
    explained = Explained(universe, matched, shares, three, 0.9, draw_crops(universe, bank))
    first = int((universe.local_labels == 0).nonzero()[0])
    for predicted in (1, 0):
        example_figure(explained, first, predicted)
    # Mistaken for the second class; and right, when the second is the next likely.
    assert drawn == [
        (graphs[1].class_name, graphs[0].class_name), (graphs[0].class_name, graphs[1].class_name)
    ]  # fmt: skip
    # Whose class is not under review has no truth to be asked about.
    (stranger, *_) = (universe.local_labels == -1).nonzero().flatten().tolist()
    example_figure(explained, stranger, 0)
    assert drawn[-1] == (graphs[0].class_name, graphs[1].class_name)
