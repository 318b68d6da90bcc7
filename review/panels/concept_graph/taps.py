"""Taps on the drawing of a class graph are looks."""

from dash import ALL, ClientsideFunction, Dash, Input, Output

from review.desk import Desk

_GRAPH = {"role": "graph", "which": ALL}


def register(app: Dash, desk: Desk) -> None:
    """Let taps on the drawing lead to what was tapped.

    Args:
        app: The page.
        desk: Where requests are read.
    """
    # The drawing itself gets nothing back: what a tap leads to is drawn like any other look.
    for name, tapped, drawn in (
        ("tapNode", "tapNodeData", "tapped-node"),
        ("tapEdge", "tapEdgeData", "tapped-edge"),
    ):
        app.clientside_callback(
            ClientsideFunction("parley", name), Output(drawn, "data"), Input(_GRAPH, tapped)
        )
