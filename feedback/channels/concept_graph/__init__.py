"""The concept-graph channel towards the exchange: what is shown, answered and refused.

Not empty like other packages: discovery looks for EVIDENCE, RESPONSE and validate_response here.
"""

from feedback.channels.concept_graph.answers import read_edits, validate_response
from feedback.channels.concept_graph.evidence import (
    ClassEvidence,
    ConceptCard,
    EdgeEvidence,
    ExampleEvidence,
    Exemplar,
    GraphEvidence,
    LocatedConcept,
)
from feedback.channels.concept_graph.ops import (
    AddEdge,
    GraphEdit,
    GraphOp,
    RemoveEdge,
    ReplaceConcept,
)
from feedback.channels.concept_graph.packing import pack_evidence, read_evidence

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
    "pack_evidence",
    "read_edits",
    "read_evidence",
    "validate_response",
]
