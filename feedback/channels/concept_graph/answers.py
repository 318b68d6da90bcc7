"""A reviewer's document as edits of class graphs."""

from feedback.bundle import ReviewBundle
from feedback.channels.concept_graph.ops import GraphEdit
from feedback.channels.concept_graph.packing import read_evidence
from feedback.channels.concept_graph.validation import check_edits
from feedback.document import FeedbackDocument, read_responses


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
