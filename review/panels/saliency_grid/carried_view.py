"""What the network learned from marks of earlier reviews, so that nobody finds it out by chance."""

from dash import html
from dash.development.base_component import Component

from feedback.channels.saliency_grid import CarriedReview, SaliencyEvidence
from review.parts import plural


def carried_section(evidence: SaliencyEvidence) -> list[Component]:
    """Show which earlier reviews the network learned from; nothing when there are none."""
    if not evidence.carried:
        return []
    n_marked = sum(one.n_marked for one in evidence.carried)
    lead = f"The network has learned from marks on {plural(n_marked, 'image')} of earlier reviews."
    # The latest first, as in the inbox.
    entries = [html.Li(carried_told(one)) for one in reversed(evidence.carried)]
    return [html.Section([html.H3("Carried over"), html.P(lead), html.Ul(entries)])]


def carried_told(one: CarriedReview) -> str:
    """Tell in a sentence what became of a review's answers."""
    told = (
        f"{plural(one.n_images, 'image')} from review {one.request_id} of "
        f"{one.decided_at:%Y-%m-%d}, {one.n_marked} with marks"
    )
    left = [
        f"{number} {why}"
        for number, why in (
            (one.n_gone, "no longer trained on"),
            (one.n_relabelled, "with another label since"),
            (one.n_reshaped, "made square otherwise since"),
        )
        if number
    ]
    return f"{told}; left out: {', '.join(left)}" if left else told
