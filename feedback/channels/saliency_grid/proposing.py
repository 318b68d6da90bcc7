"""The marks of earlier reviews that the network of a request was trained with."""

from pydantic import ValidationError

from feedback.answer import Proposal
from feedback.bundle import ReviewBundle
from feedback.channels.saliency_grid.packing import read_evidence


def proposal_of(bundle: ReviewBundle) -> Proposal | None:
    """Say which marks act already; of the images that are asked about nothing is said by rule.

    Answers that could not be taken up, and explanations that are not to be trusted, are doubts.

    Args:
        bundle: A request of this channel.

    Returns:
        No edits, since marks that were carried over need no response; None when the evidence
        cannot be read.
    """
    try:
        evidence = read_evidence(bundle)
    except ValidationError:
        return None
    lost = sum(one.n_gone + one.n_relabelled + one.n_reshaped for one in evidence.carried)
    failed = sum(one.failure is not None for one in evidence.images)
    doubts = []
    if lost:
        doubts.append(f"expected to carry over all that was approved (lost: {lost})")
    if failed:
        doubts.append(f"expected explanations that are to be trusted (failed: {failed})")
    if evidence.remark:
        doubts.append(f"expected the method that was asked for (got: {evidence.remark})")
    marked = [one for one in evidence.carried if one.n_marked]
    return Proposal(
        edits=(),
        n_edits=sum(one.n_marked for one in marked),
        # Which classes the marked images are of is not told.
        classes=None,
        # Marks are known again by the digest of their image.
        similarity=1.0 if marked else None,
        sources=tuple(sorted({one.request_id for one in marked})),
        doubts=tuple(doubts),
    )
