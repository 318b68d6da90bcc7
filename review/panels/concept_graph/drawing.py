"""The drawing of a class graph follows draft and view in place, and its taps are looks."""

from typing import Any, cast

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, no_update

from review.desk import Desk
from review.opened import ADDRESS, DRAFT, VIEW, read_opened
from review.panels.concept_graph.draft import ClassDraft
from review.panels.concept_graph.editing import class_shown
from review.panels.concept_graph.graph_view import graph_elements
from review.panels.concept_graph.parts import GraphShown
from review.panels.concept_graph.viewing import GraphView, in_bounds

_GRAPH = {"role": "graph", "which": ALL}


def register(app: Dash, desk: Desk) -> None:
    """Give the drawing its behaviour.

    Args:
        app: The page.
        desk: Where requests are read.
    """

    @app.callback(
        Output(_GRAPH, "elements"),
        Input(DRAFT, "data"),
        Input(VIEW, "data"),
        State(ADDRESS, "pathname"),
        prevent_initial_call=True,
    )
    def redraw_graph(drafts: list[Any], seen: Any, path: str) -> list[Any]:
        drawings = ctx.outputs_list
        if not drawings:
            return []
        opened = read_opened(desk, path, drafts, seen)
        shown, view = cast(GraphShown, opened.shown), cast(GraphView, opened.view)
        if view.item is None:
            return [no_update] * len(drawings)
        evidence = class_shown(shown.evidence, view.item)
        view, said = in_bounds(view, evidence), cast(ClassDraft, opened.said)
        return [
            graph_elements(
                shown, evidence, said if drawing["id"]["which"] == "after" else ClassDraft(), view
            )
            for drawing in drawings
        ]

    # Taps on the drawing; the drawing itself gets nothing back.
    for name, tapped, drawn in (
        ("tapNode", "tapNodeData", "tapped-node"),
        ("tapEdge", "tapEdgeData", "tapped-edge"),
    ):
        app.clientside_callback(
            ClientsideFunction("parley", name), Output(drawn, "data"), Input(_GRAPH, tapped)
        )
