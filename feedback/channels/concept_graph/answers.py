"""A reviewer's document as edits of class graphs."""

from collections.abc import Sequence

from feedback.answer import Edit
from feedback.bundle import ReviewBundle
from feedback.canonical import canonical_json
from feedback.channels.concept_graph.ops import GraphEdit
from feedback.channels.concept_graph.packing import read_evidence
from feedback.channels.concept_graph.validation import check_edits
from feedback.document import FeedbackDocument, read_responses
from feedback.fields import JsonObject


def read_edits(document: FeedbackDocument) -> tuple[GraphEdit, ...]:
    """Read a document's responses as edits of class graphs.

    Args:
        document: A reviewer's answer.

    Returns:
        One edit per class, in the document's order.

    Raises:
        MalformedDocumentError: If a response does not follow the schema.
    """
    return read_graph_edits(document.responses)


def read_graph_edits(responses: Sequence[JsonObject]) -> tuple[GraphEdit, ...]:
    """Read responses, of a document or agreed on by several reviewers, as edits of class graphs.

    Args:
        responses: JSON objects.

    Returns:
        One edit per response, in their order.

    Raises:
        MalformedDocumentError: If a response does not follow the schema.
    """
    return read_responses(responses, GraphEdit)


def edit_of(response: JsonObject) -> Edit:
    """Say what a response edits: a class's graph, by a set of operations.

    Operations of one valid response do not depend on each other's order, so two reviewers who made
    the same ones in another order agree. A response without operations says that the graph is
    right, which another one's edit of it contradicts.

    Args:
        response: A valid response.

    Returns:
        The class, and the operations without reasons and remarks; each is an edit.
    """
    (edit,) = read_graph_edits([response])
    ops = sorted(canonical_json(op.model_dump(mode="json", exclude={"reason"})) for op in edit.ops)
    content = [edit.base_cscg, *(op.decode() for op in ops)]
    return Edit(edit.class_name, canonical_json(content), response, n_edits=len(edit.ops))


def join_edits(edits: Sequence[Edit]) -> None:
    """Join nothing: half of one reviewer's graph and half of another's is nobody's graph."""


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
