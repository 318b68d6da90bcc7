"""One class: how well it is known, its graph, and the concepts in its slots."""

from dash import html
from dash.development.base_component import Component

from feedback.channels.concept_graph.evidence import ClassEvidence, ConceptCard
from review.panels.concept_graph.draft import ClassDraft
from review.panels.concept_graph.graph_view import class_graph, slots_after
from review.panels.concept_graph.parts import GraphShown, exemplar, interval, short
from review.panels.concept_graph.viewing import GraphView
from review.parts import button, fact, percent, signed

LOW_AGREEMENT = 0.8
"""Below this share a reasoner's explanations say little about the classifier."""


def class_head(shown: GraphShown, evidence: ClassEvidence, said: ClassDraft) -> Component:
    """Show a class's name and how well classifier and reasoner know it.

    Args:
        shown: The request.
        evidence: The class.
        said: What the reviewer said about it.

    Returns:
        The head of the class's page.
    """
    name = evidence.class_name
    levels = [
        button(
            str(level),
            {"kind": "confidence", "item": name, "level": level},
            name=f"Sure: {level} of 5",
            pressed=said.confidence == level,
        )
        for level in range(1, 6)
    ]
    return html.Header(
        [
            html.H2(name, id="class-title", tabIndex="-1"),
            class_facts(shown, evidence),
            html.Div(
                [
                    button(
                        "Right as it is",
                        {"kind": "confirm", "item": name},
                        pressed=said.confirmed,
                        className="soft",
                        disabled=said.n_edits > 0,
                    ),
                    html.Span(
                        [html.Span("How sure?", className="quiet"), *levels],
                        className="levels",
                        role="group",
                        **{"aria-label": "How sure are you, 1 a guess, 5 certain"},
                    ),
                    button(
                        "Take all back",
                        {"kind": "reset", "item": name},
                        className="plain",
                        disabled=said == ClassDraft(),
                    ),
                ],
                className="class-actions",
            ),
        ],
        className="class-head",
    )


def class_facts(shown: GraphShown, evidence: ClassEvidence) -> Component:
    """Show how well classifier and reasoner know a class."""
    return html.Dl(
        [
            fact("Classifier right", percent(evidence.accuracy), note="among these classes"),
            fact("Reasoner right", percent(evidence.reasoner_accuracy)),
            agreement(shown),
            fact("Training images", f"{evidence.n_images:,}"),
        ],
        className="facts",
    )


def agreement(shown: GraphShown) -> Component:
    """Show how far the reasoner can be believed; stands beside every explanation."""
    share = shown.evidence.agreement
    is_low = share < LOW_AGREEMENT
    return fact(
        "Reasoner agrees",
        percent(share),
        note="explanations are rough" if is_low else "",
        tone="caution" if is_low else "",
    )


def graph_section(
    shown: GraphShown, evidence: ClassEvidence, said: ClassDraft, view: GraphView
) -> Component:
    """Show the class graph, before and after the edits where that is asked for.

    Args:
        shown: The request.
        evidence: The class.
        said: Its edits.
        view: Selected slot and edge.

    Returns:
        The section.
    """
    after = class_graph(shown, evidence, said, view, which="after")
    figures = [_figure("With your edits" if view.compare else "", after)]
    if view.compare:
        before = class_graph(shown, evidence, ClassDraft(), view, which="before")
        figures.insert(0, _figure("As shown", before))
    return html.Section(
        [
            html.Div(figures, className=f"figures n{len(figures)}"),
            legend(),
        ],
        className="graph",
        **{"aria-label": "Concept graph"},
    )


def legend() -> Component:
    """Tell what the colours of the drawing mean."""
    return html.P(
        [
            html.Span(className="key for"),
            "speaks for the class ",
            html.Span(className="key against"),
            "against it ",
            html.Span(className="key changed"),
            "edited ",
            html.Span(className="key gone"),
            "cut. The wider the arrow, the more the edge contributes on average.",
        ],
        className="legend",
    )


def slots_section(shown: GraphShown, evidence: ClassEvidence, said: ClassDraft) -> Component:
    """Show the concepts of the graph, one button each."""
    cards = {card.concept_id: card for card in evidence.candidates}
    largest = max((abs(value) for value in evidence.node_contributions), default=0.0) or 1.0
    slots = [
        _slot(shown, evidence, said, slot, cards[concept], largest)
        for slot, concept in enumerate(slots_after(evidence, said))
    ]
    row = {"data-steps": "ArrowLeft ArrowRight", "data-home": "true"}
    return html.Section(
        [html.H3("Concepts in the graph"), html.Div(slots, className="slots", **row)],
        className="slots-section",
    )


def _slot(
    shown: GraphShown,
    evidence: ClassEvidence,
    said: ClassDraft,
    slot: int,
    card: ConceptCard,
    largest: float,
) -> Component:
    edit = said.concept_in(slot)
    weight = evidence.node_contributions[slot] if evidence.node_contributions else None
    parts: list[Component] = [
        exemplar(shown, card),
        html.Span(
            [
                html.Strong(short(card.concept_id)),
                html.Span(f"was {short(evidence.slots[slot])}", className="badge changed")
                if edit
                else html.Span(f"slot {slot + 1}", className="quiet"),
                _weight(None if edit else weight, largest),
                numbers(card),
            ],
            className="slot-told",
        ),
    ]
    return button(
        parts,
        {"kind": "look", "slot": slot},
        name=f"Slot {slot + 1}: {card.concept_id}",
        mark=f"slot {slot}",
        className="slot edited" if edit else "slot",
    )


def numbers(card: ConceptCard) -> Component:
    """Show a concept's TCAV with interval, detection rate and share outside the Grad-CAM gate."""
    background = "caution" if card.background_share > 0.5 else ""
    return html.Span(
        [
            html.Span(
                [
                    "TCAV ",
                    interval(card),
                    f" {card.tcav_score:.2f}" if card.tcav_score is not None else "",
                ],
                className="number",
            ),
            html.Span(f"found in {percent(card.detection_rate)}", className="number"),
            html.Span(
                f"outside gate {percent(card.background_share)}", className=f"number {background}"
            ),
        ],
        className="numbers",
    )


def _weight(weight: float | None, largest: float) -> Component:
    if weight is None:
        return html.Span("contribution not known yet", className="quiet weight-told")
    side = "for" if weight >= 0 else "against"
    return html.Span(
        [
            html.Span(
                html.Span(
                    className=f"weight-bar {side}", style={"width": f"{abs(weight) / largest:.0%}"}
                ),
                className="weight-track",
            ),
            html.Span(signed(weight), className="weight-told"),
        ],
        className="weight",
        title=f"Mean contribution to the class's logit: {signed(weight)}",
    )


def _figure(title: str, drawing: Component) -> Component:
    return html.Figure(
        [html.Figcaption(title) if title else "", html.Div(drawing, className="drawing")],
        className="graph-figure",
    )
