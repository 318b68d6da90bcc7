"""The request as a whole: what changed, what is confused, who has answered."""

from datetime import datetime

from dash import html
from dash.development.base_component import Component

from feedback.channels.concept_graph.evidence import GraphEvidence
from review.class_view import agreement
from review.desk import Shown, Standing
from review.parts import button, due, fact, percent, picture, plural
from review.since_view import since_view

_STEPS = 4
_MANY = 12


def overview(shown: Shown, standing: Standing, reviewer: str, now: datetime) -> Component:
    """Show the request as a whole.

    Args:
        shown: The request.
        standing: Where it stands.
        reviewer: Who asks.
        now: Moment of looking.

    Returns:
        The page's content while no class is chosen.
    """
    bundle, evidence = shown.bundle, shown.evidence
    version = f"version {bundle.model.version}" if bundle.model.version else "not registered yet"
    parts: list[Component] = [
        html.H2("Overview", id="class-title", tabIndex="-1"),
        html.Dl(
            [
                agreement(shown),
                fact("Distance of answers", f"{evidence.l1:.2f}", note="mean L1"),
                fact("Model", bundle.model.name, note=version),
                fact("Dataset", bundle.dataset.md5[:8], note=f"{bundle.dataset.n_train:,} train"),
                fact("Round", str(bundle.round), note=due(standing.closes_at, now)),
            ],
            className="facts",
        ),
        html.P(bundle.notes, className="notes") if bundle.notes else html.Span(),
        html.Section([html.H3("Since the champion"), *since_view(shown)]),
        html.Section([html.H3("What is confused"), confusion(evidence)]),
        html.Section(
            [html.H3("Who has answered"), html.P(_answers(standing, reviewer))],
        ),
    ]
    if evidence.figures:
        figures = [
            html.Div(
                picture(shown, name, f"Figure {name}", css="wide-figure"),
                className="scroll",
                tabIndex="0",
                role="region",
                **{"aria-label": f"Figure {name}"},
            )
            for name in evidence.figures
        ]
        parts.append(
            html.Details([html.Summary("All graphs in one figure"), *figures], className="closed")
        )
    return html.Div(parts, className="overview")


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
        link = button(name, {"kind": "look", "class_name": name}, className="link")
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


def _answers(standing: Standing, reviewer: str) -> str:
    told = ["you" if name == reviewer else name for name in standing.answered]
    if not told:
        return "Nobody yet."
    waits = (
        f" {plural(standing.waiting, 'answer')} of yours waits to be judged."
        if standing.waiting
        else ""
    )
    return f"{', '.join(told)}.{waits}"
