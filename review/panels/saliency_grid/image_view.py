"""What is known of an image: its labels, how sure the network is, and how it was explained."""

import math

from dash import html
from dash.development.base_component import Component

from feedback.channels.saliency_grid.evidence import ImageEvidence
from review.panels.saliency_grid.parts import (
    SquaresShown,
    explainer_name,
    failure_told,
    is_mistake,
)
from review.parts import fact, percent

_LIKELIEST = 5


def image_head(shown: SquaresShown, image: ImageEvidence) -> Component:
    """Show an image's name, its place in the batch, and what it is and is taken for."""
    order = list(shown.titles)
    label = image.true_class or "none"
    taken: list[Component | str] = [f"taken for {image.predicted_class}"]
    if image.true_class == image.predicted_class:
        taken = ["the network agrees"]
    return html.Header(
        [
            html.H2(image.name, id="class-title", tabIndex="-1"),
            html.P(
                [
                    html.Span([html.Span("label ", className="quiet"), html.Strong(label)]),
                    html.Span(taken, className="badge wrong" if is_mistake(image) else "badge"),
                    html.Span(
                        f"image {order.index(image.image) + 1} of {len(order)}",
                        className="quiet",
                    ),
                ],
                className="image-told",
            ),
        ],
        className="image-head",
    )


def answers_section(shown: SquaresShown, image: ImageEvidence) -> Component:
    """Show the likeliest classes and the label, and how undecided the network is."""
    classes = shown.bundle.dataset.classes
    named = list(zip(classes, image.probabilities, strict=False))
    likeliest = sorted(named, key=lambda one: -one[1])
    rows = likeliest[:_LIKELIEST]
    rows += [one for one in likeliest[_LIKELIEST:] if one[0] == image.true_class]
    return html.Section(
        [
            html.H3("What the network says"),
            html.Ul([_answer(name, share, image) for name, share in rows], className="answers")
            if rows
            else html.P(f"{image.predicted_class}; no probabilities were kept.", className="quiet"),
        ]
    )


def explanation_section(shown: SquaresShown, image: ImageEvidence) -> Component:
    """Show by which method the squares were found, for which class, and how far it adds up."""
    evidence, failure = shown.evidence, failure_told(image)
    most = math.log(len(image.probabilities)) if len(image.probabilities) > 1 else None
    error = image.completeness_error
    facts = [
        fact("Entropy", f"{image.entropy:.2f} nats", note=f"of at most {most:.2f}" if most else ""),
        fact("Explained by", explainer_name(evidence), note=f"for {image.explained_class}"),
        fact(
            "Completeness error",
            "none" if error is None else _error_told(error),
            note=_error_note(image),
            tone="caution" if image.failure == "incomplete" else "",
        ),
    ]
    return html.Section(
        [
            html.Dl(facts, className="facts"),
            html.P(failure, className="warning", role="status") if failure else html.Span(),
            html.P(evidence.remark, className="quiet") if evidence.remark else html.Span(),
        ],
        className="explanation",
    )


def _answer(name: str, share: float, image: ImageEvidence) -> Component:
    is_true, is_predicted = name == image.true_class, name == image.predicted_class
    tone = "true" if is_true else "taken" if is_predicted else ""
    words = [word for word, fits in (("label", is_true), ("answer", is_predicted)) if fits]
    return html.Li(
        [
            html.Span(
                [
                    html.Span(name, className="class-name"),
                    *([html.Span(", ".join(words), className="quiet")] if words else []),
                ],
                className="answer-name",
            ),
            html.Span(
                html.Span(className="answer-bar", style={"width": f"{share:.1%}"}),
                className="answer-track",
            ),
            html.Span(percent(share), className="answer-share"),
        ],
        className=f"answer {tone}",
    )


def _error_note(image: ImageEvidence) -> str:
    if image.completeness_error is not None:
        return "of the sum explained"
    return "no number" if image.failure == "not_finite" else "promises no sum"


def _error_told(error: float) -> str:
    if error < 0.001:
        return "< 0.1%"
    return f"{error:.1%}" if error < 10 else f"{error:.0f} times"
