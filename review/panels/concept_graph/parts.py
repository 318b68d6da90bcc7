"""Small parts that the views of concept graphs are made of."""

from typing import TypeAlias

from dash import html
from dash.development.base_component import Component

from feedback.channels.concept_graph.evidence import ConceptCard, GraphEvidence
from review.parts import picture
from review.shown import Shown

GraphShown: TypeAlias = Shown[GraphEvidence]
"""A request of this channel."""


def exemplar(
    shown: GraphShown, card: ConceptCard, index: int = 0, *, css: str = "crop"
) -> Component:
    """Make the picture of a concept's n-th typical segment, or an empty frame."""
    if index >= len(card.exemplars):
        return html.Span("no picture", className=f"{css} none")
    return picture(
        shown,
        card.exemplars[index].file,
        f"{short(card.concept_id)}, example {index + 1} from {card.exemplars[index].image}",
        css=css,
    )


def short(concept_id: str) -> str:
    """Return a concept's name without its class."""
    return concept_id.rsplit("/", 1)[-1]


def interval(card: ConceptCard) -> Component:
    """Draw a concept's TCAV score with its interval on a line from 0 to 1."""
    if card.tcav_score is None:
        return html.Span("not tested", className="quiet")
    low = card.tcav_low if card.tcav_low is not None else card.tcav_score
    high = card.tcav_high if card.tcav_high is not None else card.tcav_score
    told = f"TCAV {card.tcav_score:.2f}, 95% interval {low:.2f} to {high:.2f}"
    return html.Span(
        [
            html.Span(
                className="interval-span",
                style={"left": f"{low:.1%}", "width": f"{max(high - low, 0.02):.1%}"},
            ),
            html.Span(className="interval-dot", style={"left": f"{card.tcav_score:.1%}"}),
        ],
        className="interval",
        title=told,
        role="img",
        **{"aria-label": told},
    )
