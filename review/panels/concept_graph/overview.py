"""All classes at a glance: how far the reasoner agrees, what is confused, what came before."""

from dash import html
from dash.development.base_component import Component

from feedback.channels.concept_graph.evidence import GraphEvidence
from review.panels.concept_graph.carried_view import carried_summary
from review.panels.concept_graph.class_view import agreement
from review.panels.concept_graph.parts import GraphShown, exemplar, short
from review.parts import button, fact, percent, picture
from review.pieces import Content, Glimpse, Overview

_STEPS = 4
_MANY = 12
_NAMED = 6


def glimpse(shown: GraphShown) -> Glimpse:
    """Tell the inbox which classes a request asks about.

    Args:
        shown: The request.

    Returns:
        Its first classes, and how far the reasoner can be believed.
    """
    titles = list(shown.titles.values())
    more = f" and {len(titles) - _NAMED} more" if len(titles) > _NAMED else ""
    agrees = percent(shown.evidence.agreement)
    return Glimpse(
        ", ".join(titles[:_NAMED]) + more,
        f"Reasoner agrees with the classifier on {agrees} of images.",
    )


def notes(shown: GraphShown) -> dict[str, str]:
    """Return how often the classifier is right on each class."""
    return {one.class_name: percent(one.accuracy) for one in shown.evidence.classes}


def overview(shown: GraphShown) -> Overview:
    """Show all classes together.

    Args:
        shown: The request.

    Returns:
        Agreement, edges that an earlier review edited, confusion, figures and what is carried over.
    """
    evidence = shown.evidence
    distance = fact("Distance of answers", f"{evidence.l1:.2f}", note="mean L1")
    return Overview(
        facts=[agreement(shown), distance],
        earlier=_earlier_edits(evidence),
        sections=[html.Section([html.H3("What is confused"), confusion(evidence)])],
        appendix=[*_figures(shown), carried_summary(evidence)],
    )


def value_told(shown: GraphShown, target: str, value: str) -> Content:
    """Show a concept that the champion has, or has not; one that is gone in words alone.

    Args:
        shown: The request.
        target: Class.
        value: Concept, or words.

    Returns:
        Its picture and its name.
    """
    cards = (
        card
        for one in shown.evidence.classes
        if one.class_name == target
        for card in one.candidates
        if card.concept_id == value
    )
    card = next(cards, None)
    return short(value) if card is None else [exemplar(shown, card, css="crop mini"), short(value)]


def confusion(evidence: GraphEvidence) -> Component:
    """Show validation images by true and predicted class; a row leads to its class."""
    if not evidence.confusion:
        return html.P("This request holds no confusion matrix.", className="quiet")
    names = [shown.class_name for shown in evidence.classes]
    largest = max(
        (n for i, row in enumerate(evidence.confusion) for j, n in enumerate(row) if i != j),
        default=0,
    )
    rows = []
    for i, (name, row) in enumerate(zip(names, evidence.confusion, strict=True)):
        cells = [
            html.Td(
                str(count) if count or i == j else "·",
                className="right-cell" if i == j else f"wrong-cell s{_strength(count, largest)}",
                title=f"{count} of {name} taken for {names[j]}",
            )
            for j, count in enumerate(row)
        ]
        link = button(name, {"kind": "look", "item": name}, className="link")
        right = row[i] / sum(row) if sum(row) else None
        rows.append(html.Tr([html.Th(link, scope="row"), *cells, html.Td(percent(right))]))
    head = [html.Th(html.Span(name), scope="col", title=name) for name in names]
    return html.Div(
        html.Table(
            [
                html.Thead(
                    html.Tr(
                        [html.Td("true ↓ taken for →", className="quiet"), *head, html.Th("right")]
                    )
                ),
                html.Tbody(rows),
            ],
            className="matrix confusion many" if len(names) > _MANY else "matrix confusion",
        ),
        className="scroll",
        tabIndex="0",
        role="region",
        **{"aria-label": "Confusion among the classes"},
    )


def _strength(count: int, largest: int) -> int:
    return 0 if not largest or not count else max(1, round(_STEPS * count / largest))


def _figures(shown: GraphShown) -> list[Component]:
    figures = [
        html.Div(
            picture(shown, name, f"Figure {name}", css="wide-figure"),
            className="scroll",
            tabIndex="0",
            role="region",
            **{"aria-label": f"Figure {name}"},
        )
        for name in shown.evidence.figures
    ]
    summary = html.Summary("All graphs in one figure")
    return [html.Details([summary, *figures], className="closed")] if figures else []


def _earlier_edits(evidence: GraphEvidence) -> list[Component]:
    """List the edges that are shown as an earlier review left them."""
    told = [
        html.Li(
            f"{one.class_name}: edge {short(one.slots[edge.src])} → "
            f"{short(one.slots[edge.dst])} was "
            f"{'cut' if edge.state == 'removed' else 'added'} by an earlier review"
        )
        for one in evidence.classes
        for edge in one.edges
        if edge.state != "auto"
    ]
    return [html.Ul(told)] if told else []
