"""The concept-graph channel towards the exchange: what is shown, answered and refused."""

from collections.abc import Mapping

from feedback.bundle import ReviewBundle, ReviewItem
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
from feedback.concept_graph.validation import check_edits
from feedback.document import FeedbackDocument, read_responses
from feedback.fields import JsonObject

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


def pack_evidence(
    evidence: GraphEvidence, priorities: Mapping[str, float]
) -> tuple[JsonObject, tuple[ReviewItem, ...]]:
    """Split the evidence into what is shown of the whole request and one item per class.

    Args:
        evidence: What is shown.
        priorities: Expected gain of an answer on each class; a class without one gets 0.

    Returns:
        ``evidence`` and ``items`` of the bundle.
    """
    dumped = evidence.model_dump(mode="json")
    classes = dumped.pop("classes")
    items = [
        ReviewItem(
            id=shown["class_name"],
            priority=priorities.get(shown["class_name"], 0.0),
            title=shown["class_name"],
            evidence=shown,
        )
        for shown in classes
    ]
    return dumped, tuple(items)


def read_evidence(bundle: ReviewBundle) -> GraphEvidence:
    """Join the evidence of a bundle of this channel.

    Args:
        bundle: A request.

    Returns:
        What was given to ``pack_evidence``.

    Raises:
        ValidationError: If the bundle does not follow the channel's schema.
    """
    return GraphEvidence.model_validate(
        {**bundle.evidence, "classes": [item.evidence for item in bundle.items]}
    )


def read_edits(document: FeedbackDocument) -> tuple[GraphEdit, ...]:
    """Read a document's responses as edits of class graphs.

    Args:
        document: A reviewer's answer.

    Returns:
        One edit per class, in the document's order.

    Raises:
        MalformedDocumentError: If a response does not follow the schema.
    """
    return read_responses(document, GraphEdit)


def validate_response(bundle: ReviewBundle, document: FeedbackDocument) -> tuple[str, ...]:
    """Check that a document's edits fit the graphs that were shown.

    Args:
        bundle: What was shown.
        document: A reviewer's answer.

    Returns:
        Warnings, one sentence each.

    Raises:
        FeedbackError: If the document is refused.
    """
    return check_edits(read_evidence(bundle), read_edits(document), verdict=document.verdict)
