"""The concept-graph channel towards the exchange: what is shown, answered and refused.

Not empty like other packages: discovery looks for EVIDENCE, RESPONSE, validate_response, edit_of,
join_edits, proposal_of and differences here.
"""

from feedback.channels.concept_graph.answers import (
    edit_of,
    join_edits,
    read_edits,
    read_graph_edits,
    validate_response,
)
from feedback.channels.concept_graph.carried import CarriedEdit, LostEdit
from feedback.channels.concept_graph.differences import differences
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
from feedback.channels.concept_graph.proposing import proposal_of

RESPONSE = GraphEdit
"""Model of one response in a feedback document of this channel."""

EVIDENCE = GraphEvidence
"""Model of the evidence in a bundle of this channel."""

__all__ = [
    "EVIDENCE",
    "RESPONSE",
    "AddEdge",
    "CarriedEdit",
    "ClassEvidence",
    "ConceptCard",
    "EdgeEvidence",
    "ExampleEvidence",
    "Exemplar",
    "GraphEdit",
    "GraphEvidence",
    "GraphOp",
    "LocatedConcept",
    "LostEdit",
    "RemoveEdge",
    "ReplaceConcept",
    "differences",
    "edit_of",
    "join_edits",
    "pack_evidence",
    "proposal_of",
    "read_edits",
    "read_evidence",
    "read_graph_edits",
    "validate_response",
]
