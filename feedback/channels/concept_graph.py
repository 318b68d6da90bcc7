"""The concept-graph channel towards the exchange: what is shown, answered and refused."""

from feedback.concept_graph.evidence import (
    ClassEvidence,
    ConceptCard,
    EdgeEvidence,
    ExampleEvidence,
    Exemplar,
    GraphEvidence,
    LocatedConcept,
)
from feedback.concept_graph.ops import AddEdge, GraphEdit, GraphOp, RemoveEdge, ReplaceConcept

RESPONSE = GraphEdit
"""Model of one response in a feedback document of this channel."""

EVIDENCE = GraphEvidence
"""Model of the evidence in a bundle of this channel."""

__all__ = [
    "EVIDENCE",
    "RESPONSE",
    "AddEdge",
    "ClassEvidence",
    "ConceptCard",
    "EdgeEvidence",
    "ExampleEvidence",
    "Exemplar",
    "GraphEdit",
    "GraphEvidence",
    "GraphOp",
    "LocatedConcept",
    "RemoveEdge",
    "ReplaceConcept",
]
