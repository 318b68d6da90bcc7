"""Example images of a class with their located concepts: why this class, and why not another."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from feedback.channels.concept_graph.evidence import ExampleEvidence, GraphEvidence
from review.panels.concept_graph.parts import GraphShown, short
from review.parts import percent, picture, signed

_TOP = 4


def examples_section(shown: GraphShown, class_name: str) -> Component:
    """Show the examples that are of a class, or were taken for it.

    Args:
        shown: The request.
        class_name: Class.

    Returns:
        The section.
    """
    evidence = shown.evidence
    examples = [
        example
        for example in evidence.examples
        if class_name in (example.true_class, example.predicted_class)
    ]
    content = (
        [_example(shown, example) for example in examples]
        if examples
        else [html.P("This request holds no example of the class.", className="empty")]
    )
    return html.Section(
        [
            html.H3("Examples"),
            html.P(
                f"The reasoner agrees with the classifier on {percent(evidence.agreement)} of "
                "unseen images; where it does not, these reasons are not the classifier's. "
                "Answers are those among the classes of this request.",
                className="quiet",
            ),
            *content,
        ],
        className="examples-section",
    )


def _example(shown: GraphShown, example: ExampleEvidence) -> Component:
    evidence = shown.evidence
    right = example.predicted_class == example.true_class
    agrees = example.predicted_class == example.reasoner_class
    return html.Article(
        [
            html.Header(
                [
                    html.H4(f"Taken for {example.predicted_class}"),
                    html.Span(
                        "right" if right else f"is {example.true_class}",
                        className="badge" if right else "badge wrong",
                    ),
                    html.Span(
                        "reasoner agrees" if agrees else f"reasoner says {example.reasoner_class}",
                        className="badge" if agrees else "badge wrong",
                    ),
                    html.Span(example.image, className="quiet"),
                ],
                className="example-head",
            ),
            html.Div(
                picture(
                    shown,
                    example.file,
                    f"{example.image} with its concepts drawn in, and what speaks for and against",
                    css="example-picture",
                ),
                className="scroll",
                tabIndex="0",
                role="region",
                **{"aria-label": f"Explanation of {example.image}"},
            ),
            html.Div(_reasons(evidence, example), className="reasons"),
        ],
        className="example",
    )


def _reasons(evidence: GraphEvidence, example: ExampleEvidence) -> Sequence[Component]:
    names = [shown.class_name for shown in evidence.classes]
    if len(example.logits) != len(names) or example.predicted_class not in names:
        return []
    chosen = names.index(example.predicted_class)
    others = [index for index in range(len(names)) if index != chosen]
    rival = max(others, key=lambda index: example.logits[index])
    if example.true_class in names and example.true_class != example.predicted_class:
        rival = names.index(example.true_class)
    return [
        _list(evidence, example, chosen, f"Why {names[chosen]}"),
        _list(evidence, example, rival, f"Why not {names[rival]}"),
    ]


def _list(evidence: GraphEvidence, example: ExampleEvidence, index: int, title: str) -> Component:
    slots = {shown.class_name: shown.slots for shown in evidence.classes}
    found = [
        (located.contributions[index], located, place)
        for place, located in enumerate(example.concepts)
        if index < len(located.contributions)
        and located.slot < len(slots.get(located.class_name, ()))
    ]
    found.sort(key=lambda entry: -abs(entry[0]))
    rows = [
        html.Li(
            [
                html.Span(
                    f"{located.class_name} {short(slots[located.class_name][located.slot])}"
                    f"{'' if located.present else ' (not found)'}"
                ),
                html.Span(signed(value), className="for" if value >= 0 else "against"),
                html.Span(_deletion(example, place), className="quiet"),
            ]
        )
        for value, located, place in found[:_TOP]
    ]
    return html.Div([html.H5(f"{title}: logit {signed(example.logits[index])}"), html.Ol(rows)])


def _deletion(example: ExampleEvidence, place: int) -> str:
    # Earlier requests have one number per slot of the true class, which are no concept's here.
    is_aligned = len(example.deletion) == len(example.concepts)
    change = example.deletion[place] if is_aligned else None
    return "" if change is None else f"blanked: {signed(change)} for {example.true_class}"
