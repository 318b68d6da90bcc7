"""Whatever may be asked for can be published: a run must not fail after hours of mining."""

from annotated_types import Le, MaxLen

from feedback.channels.concept_graph.evidence import (
    ClassEvidence,
    ConceptCard,
    ExampleEvidence,
    GraphEvidence,
)
from models.concept_graph.params import ClusterParams, ConceptGraphParams, GraphParams
from tasks.channels.concept_graph.evidence import MAX_CANDIDATES
from tasks.channels.concept_graph.examples import EXAMPLES_PER_CLASS


def most(model, field):
    (limit,) = [one for one in model.model_fields[field].metadata if isinstance(one, (Le, MaxLen))]
    return limit.le if isinstance(limit, Le) else limit.max_length


def test_what_parameters_allow_a_request_can_hold():
    classes, concepts = most(ConceptGraphParams, "classes"), most(GraphParams, "n_concepts")
    assert classes <= most(GraphEvidence, "classes")
    assert most(ConceptGraphParams, "n_classes") <= classes
    assert concepts <= most(ClassEvidence, "slots")
    assert classes * concepts <= most(ExampleEvidence, "concepts")
    assert classes * EXAMPLES_PER_CLASS <= most(GraphEvidence, "examples")
    assert most(ClusterParams, "n_exemplars") <= most(ConceptCard, "exemplars")
    assert max(MAX_CANDIDATES, concepts) <= most(ClassEvidence, "candidates")
