"""The frame of a request's page: head, list of classes, and places that edits fill anew."""

from datetime import datetime

from dash import dcc, html
from dash.development.base_component import Component

from review.candidates_view import barred, candidates_section, field, pair_section
from review.carried_view import carried_section, carried_summary
from review.class_view import class_head, graph_section, slots_section
from review.desk import Shown, Standing
from review.draft import Draft
from review.edges_view import edge_editor, edges_section
from review.editing import class_shown
from review.examples_view import examples_section
from review.overview_view import overview
from review.parts import button, due, percent, plural
from review.viewing import View, in_bounds


def frame(shown: Shown, standing: Standing, now: datetime) -> Component:
    """Make the page of a request; callbacks fill it.

    Args:
        shown: The request.
        standing: Where it stands.
        now: Moment of opening.

    Returns:
        The page's content.
    """
    bundle = shown.bundle
    asked = f"asked by {bundle.author} · " if bundle.author else ""
    return html.Div(
        [
            # Kept by the browser, under the digest of what is shown: it outlives the window.
            dcc.Store(id={"role": "draft", "digest": shown.digest}, storage_type="local"),
            dcc.Store(id="view", data=View().model_dump(mode="json")),
            dcc.Store(id="drawn", data={}),
            dcc.Store(id="marks", data={}),
            dcc.Store(id="opened", data=now.timestamp()),
            dcc.Interval(id="tick", interval=2000, disabled=True),
            html.Header(
                [
                    dcc.Link("← Inbox", href="/", className="back"),
                    html.Div(
                        [
                            html.H1(f"Review of {bundle.model.name}"),
                            html.P(
                                f"{asked}round {bundle.round} · {due(standing.closes_at, now)} · "
                                f"{plural(len(shown.evidence.classes), 'class')}",
                                className="quiet",
                            ),
                        ]
                    ),
                ],
                className="page-head",
            ),
            html.Div(id="standing"),
            html.Div(
                [
                    html.Nav(id="rail", className="rail", **{"aria-label": "Classes"}),
                    html.Main(
                        [
                            html.Div(id="overview"),
                            html.Div(id="head"),
                            html.Div(id="carried"),
                            html.Div(
                                [html.Div(id="figures"), html.Div(id="slots")],
                                className="graph-row",
                            ),
                            html.Div(id="pair"),
                            html.Div(id="grid"),
                            html.Div(
                                [html.Div(id="edges"), html.Div(id="editor")],
                                className="edges-row",
                            ),
                            html.Div(id="bottom"),
                        ],
                        id="content",
                    ),
                ],
                className="columns",
            ),
            html.Footer(id="bar", className="bar"),
            html.Dialog(
                [html.Div(id="dialog"), html.Div(id="preview-place"), html.Div(id="send-place")],
                id="answer-dialog",
                className="dialog",
                **{"aria-labelledby": "answer-title"},
            ),
        ],
        className="request-page",
    )


def standing_view(standing: Standing) -> list[Component]:
    """Tell what a reviewer must know first: closed, answered, refused."""
    parts: list[Component] = []
    if not standing.takes_answers:
        parts.append(html.P(standing.why, className="banner closed-banner", role="status"))
    if standing.waiting:
        parts.append(
            html.P(
                f"{plural(standing.waiting, 'answer')} of yours waits to be judged. Another one "
                "takes its place while the request is open.",
                className="banner",
            )
        )
    elif standing.accepted and standing.takes_answers:
        parts.append(
            html.P(
                "Your answer was accepted. Another one takes its place while the request is open.",
                className="banner",
            )
        )
    parts += [
        html.P(
            [html.Strong("An answer of yours was refused. "), refusal.reason],
            className="banner refused",
            role="alert",
        )
        for refusal in standing.refused[:3]
    ]
    return parts


def rail(shown: Shown, draft: Draft) -> list[Component]:
    """List the overview and the classes, those whose answer is worth most first."""
    entries = [button("Overview", {"kind": "look"}, mark="class", className="entry")]
    accuracy = {evidence.class_name: evidence.accuracy for evidence in shown.evidence.classes}
    for name in shown.by_priority:
        said = draft.of(name)
        mark = str(said.n_edits) if said.n_edits else ("✓" if said.confirmed else "")
        entries.append(
            button(
                [
                    html.Span(name, className="entry-name"),
                    html.Span(mark, className="badge changed")
                    if mark
                    else html.Span(percent(accuracy[name]), className="quiet"),
                ],
                {"kind": "look", "class_name": name},
                mark=f"class {name}",
                className="entry class-entry",
            )
        )
    return entries


PARTS = (
    "rail", "overview", "head", "carried", "figures", "slots", "pair", "grid", "edges", "editor",
    "bottom",
)  # fmt: skip
"""Places of the page that are drawn anew when what they show has changed."""


def parts_of(
    shown: Shown, draft: Draft, view: View, standing: Standing, reviewer: str, now: datetime
) -> dict[str, Component | list[Component]]:
    """Make the content of every place.

    Args:
        shown: The request.
        draft: What the reviewer said.
        view: What they look at.
        standing: Where the request stands.
        reviewer: Who asks.
        now: Moment of looking.

    Returns:
        Content by place; places that show nothing now are left out.
    """
    if view.class_name is None:
        whole = [overview(shown, standing, reviewer, now), carried_summary(shown.evidence)]
        return {"rail": rail(shown, draft), "overview": whole}
    evidence = class_shown(shown.evidence, view.class_name)
    view = in_bounds(view, evidence)
    said = draft.of(evidence.class_name)
    return {
        "rail": rail(shown, draft),
        "head": class_head(shown, evidence, said),
        "carried": carried_section(shown, evidence, said),
        "figures": graph_section(shown, evidence, said, view),
        "slots": slots_section(shown, evidence, said),
        "pair": pair_section(shown, evidence, said, view),
        "grid": candidates_section(shown, evidence, view),
        "edges": edges_section(shown, evidence, said),
        "editor": edge_editor(evidence, said, view),
        "bottom": bottom(shown, draft, evidence.class_name),
    }


def marks_of(shown: Shown, draft: Draft, view: View) -> dict[str, list[str]]:
    """Tell which buttons are selected and which candidates cannot be chosen.

    Args:
        shown: The request.
        draft: What the reviewer said.
        view: What they look at.

    Returns:
        Marks of ``pressed`` and of ``barred`` buttons.
    """
    if view.class_name is None:
        return {"pressed": ["class"], "barred": []}
    evidence = class_shown(shown.evidence, view.class_name)
    view = in_bounds(view, evidence)
    pressed = [f"class {view.class_name}", f"candidate {view.candidate}", f"slot {view.slot}"]
    if view.edge is not None:
        pressed.append(f"edge {view.edge[0]} {view.edge[1]}")
    held = barred(evidence, draft.of(evidence.class_name), view.slot)
    return {"pressed": pressed, "barred": sorted(f"candidate {name}" for name in held)}


def bottom(shown: Shown, draft: Draft, class_name: str) -> Component:
    """Show the examples of the chosen class, and the field for a remark."""
    action: dict[str, object] = {"kind": "remark", "class_name": class_name}
    said = draft.of(class_name)
    return html.Div(
        [
            examples_section(shown, class_name),
            html.Section(
                [
                    html.H3("Remark"),
                    field(f"Anything else about {class_name}?", said.comment, action, limit=500),
                ]
            ),
        ]
    )
