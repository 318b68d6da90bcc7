"""The edits of earlier reviews that a request of concept graphs proposes again, as one answer."""

from pydantic import ValidationError

from feedback.answer import Proposal
from feedback.bundle import ReviewBundle
from feedback.channels.concept_graph.answers import edit_of
from feedback.channels.concept_graph.evidence import ClassEvidence
from feedback.channels.concept_graph.ops import GraphEdit
from feedback.channels.concept_graph.packing import read_evidence
from feedback.channels.concept_graph.validation import check_edits
from feedback.errors import FeedbackError


def proposal_of(bundle: ReviewBundle) -> Proposal | None:
    """Say which edits a request carries over, and how alike the concepts are that they name.

    Edits that were lost, or that would be refused or warned of if a person handed them in, are
    doubts.

    Args:
        bundle: A request of this channel.

    Returns:
        The edits, one response per class; None when the evidence cannot be read.
    """
    try:
        evidence = read_evidence(bundle)
    except ValidationError:
        return None
    told = sorted((one for one in evidence.classes if one.carried), key=lambda one: one.class_name)
    lost = sum(len(one.lost) for one in evidence.classes)
    doubts = [f"expected to carry over all that was approved (lost: {lost})"] if lost else []
    edits = [_edit(shown) for shown in told]
    try:
        doubts += check_edits(evidence, edits, verdict="approve")
    except FeedbackError as error:
        doubts.append(str(error))
    carried = [one for shown in told for one in shown.carried]
    return Proposal(
        edits=tuple(edit_of(edit.model_dump(mode="json", by_alias=True)) for edit in edits),
        n_edits=len(carried),
        classes=frozenset(edit.class_name for edit in edits),
        # Cosines may lie a rounding above 1, and below 0.
        similarity=max(0.0, min(1.0, *(one.similarity for one in carried))) if carried else None,
        sources=tuple(sorted({one.request_id for one in carried})),
        doubts=tuple(doubts),
    )


def _edit(shown: ClassEvidence) -> GraphEdit:
    sources = ", ".join(sorted({one.request_id for one in shown.carried}))
    return GraphEdit(
        class_name=shown.class_name,
        base_cscg=shown.base_cscg,
        ops=tuple(one.op for one in shown.carried),
        comment=f"carried over from {sources}"[:500],
    )
