"""The saliency-grid channel towards the exchange: what is shown, answered and refused.

Not empty like other packages: discovery looks for EVIDENCE, RESPONSE, validate_response, edit_of,
join_edits, proposal_of and differences here.
"""

from feedback.channels.saliency_grid.answering import answer_on
from feedback.channels.saliency_grid.answers import (
    edit_of,
    is_abstention,
    read_marks,
    validate_response,
)
from feedback.channels.saliency_grid.carried import CarriedReview
from feedback.channels.saliency_grid.cells import area_share, cell_edges, padded_cells
from feedback.channels.saliency_grid.differences import differences
from feedback.channels.saliency_grid.evidence import (
    ImageEvidence,
    SaliencyEvidence,
    ShownCell,
)
from feedback.channels.saliency_grid.joining import join_edits, join_marks
from feedback.channels.saliency_grid.marks import (
    CellMarks,
    ExplainerUsed,
    Flag,
    Grid,
    MarkedCell,
)
from feedback.channels.saliency_grid.packing import pack_evidence, read_evidence
from feedback.channels.saliency_grid.proposing import proposal_of
from feedback.channels.saliency_grid.sizing import answer_bytes, most_images
from feedback.channels.saliency_grid.suspicion import (
    explanation_doubts,
    is_everything_marked,
    marked_area,
)

RESPONSE = CellMarks
"""Model of one response in a feedback document of this channel."""

EVIDENCE = SaliencyEvidence
"""Model of the evidence in a bundle of this channel."""

__all__ = [
    "EVIDENCE",
    "RESPONSE",
    "CarriedReview",
    "CellMarks",
    "ExplainerUsed",
    "Flag",
    "Grid",
    "ImageEvidence",
    "MarkedCell",
    "SaliencyEvidence",
    "ShownCell",
    "answer_bytes",
    "answer_on",
    "area_share",
    "cell_edges",
    "differences",
    "edit_of",
    "explanation_doubts",
    "is_abstention",
    "is_everything_marked",
    "join_edits",
    "join_marks",
    "marked_area",
    "most_images",
    "pack_evidence",
    "padded_cells",
    "proposal_of",
    "read_evidence",
    "read_marks",
    "validate_response",
]
