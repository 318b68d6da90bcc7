"""Where a reviewer is looking: at which image. How strong the overlay is stays in the browser."""

from feedback.channels.saliency_grid.evidence import SaliencyEvidence
from review.actions import Look
from review.viewing import View, look_at


def look(view: View, action: Look, evidence: SaliencyEvidence) -> View:
    """Return the view after turning to another image, or back to the overview."""
    return look_at(view, action)
