import pytest
import torch

from feedback.channels.concept_graph import GraphEvidence
from models.concept_graph.deletion import deletion_effect
from tasks.channels.concept_graph.explaining import explain_classes
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
            if concept.class_name != example.true_class or segment < 0:
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
