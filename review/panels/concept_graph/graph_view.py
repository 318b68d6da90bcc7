"""A class graph drawn with Cytoscape: exemplars as nodes, contributions as edges.

The drawing is for the eye and the mouse; the table of edges beside it does the same by keyboard.
"""

import math
from collections.abc import Sequence

import dash_cytoscape as cyto
from dash.development.base_component import Component

from feedback.channels.concept_graph.evidence import ClassEvidence
from review.panels.concept_graph.draft import ClassDraft
from review.panels.concept_graph.parts import GraphShown, short
from review.panels.concept_graph.viewing import GraphView
from review.parts import signed
from review.pictures import picture_url
from review.pieces import Follower

FOR, AGAINST, CHANGED, GONE = "#1a7f8e", "#c8642b", "#6a54c9", "#9aa0a6"
"""Colours: speaks for the class, against it, edited, cut. They hold on light and dark ground."""

_RADIUS = 150.0


def class_graph(
    shown: GraphShown, evidence: ClassEvidence, said: ClassDraft, view: GraphView, *, which: str
) -> Component:
    """Draw a class graph.

    Args:
        shown: The request.
        evidence: The class as it was shown.
        said: Edits to draw in; an empty draft draws the graph as it was shown.
        view: Selected slot and edge.
        which: ``after`` the edits, or ``before`` them.

    Returns:
        The drawing.
    """
    return cyto.Cytoscape(
        id=_drawing(which),
        elements=graph_elements(shown, evidence, said, view),
        layout={"name": "preset", "fit": True, "padding": 26},
        stylesheet=_STYLE,
        style={"width": "100%", "height": "100%"},
        wheelSensitivity=1,
        userZoomingEnabled=False,
        userPanningEnabled=False,
        boxSelectionEnabled=False,
        autoungrabify=True,
        responsive=True,
    )


def drawings(
    shown: GraphShown, evidence: ClassEvidence, said: ClassDraft, view: GraphView
) -> list[Follower]:
    """Return how the drawings that are on the page follow draft and view, without flickering.

    Args:
        shown: The request.
        evidence: The class as it was shown.
        said: Edits to draw in.
        view: Selected slot and edge, and whether the graph before the edits is there too.

    Returns:
        One for each drawing.
    """
    drafts = {"after": said, **({"before": ClassDraft()} if view.compare else {})}
    return [
        Follower(_drawing(which), {"elements": graph_elements(shown, evidence, one, view)})
        for which, one in drafts.items()
    ]


def graph_elements(
    shown: GraphShown, evidence: ClassEvidence, said: ClassDraft, view: GraphView
) -> list[dict[str, object]]:
    """Return the nodes and edges of a drawing.

    Args:
        shown: The request.
        evidence: The class as it was shown.
        said: Edits to draw in.
        view: Selected slot and edge.

    Returns:
        Cytoscape's elements.
    """
    return [*_nodes(shown, evidence, said, view), *_edges(evidence, said, view)]


def slots_after(evidence: ClassEvidence, said: ClassDraft) -> tuple[str, ...]:
    """Return the concepts of a class graph after edits."""
    after = list(evidence.slots)
    for edit in said.concepts:
        if edit.slot < len(after):
            after[edit.slot] = edit.to
    return tuple(after)


def state_of(evidence: ClassEvidence, said: ClassDraft, src: int, dst: int) -> str:
    """Return an edge's state after edits: ``auto``, ``removed`` or ``added``."""
    edit = said.edge_between(src, dst)
    if edit is not None:
        return edit.state
    return next(edge.state for edge in evidence.edges if (edge.src, edge.dst) == (src, dst))


def _drawing(which: str) -> dict[str, str]:
    return {"role": "graph", "which": which}


def _nodes(
    shown: GraphShown, evidence: ClassEvidence, said: ClassDraft, view: GraphView
) -> Sequence[dict[str, object]]:
    cards = {card.concept_id: card for card in evidence.candidates}
    slots = slots_after(evidence, said)
    nodes: list[dict[str, object]] = []
    for slot, concept in enumerate(slots):
        angle = 2 * math.pi * slot / len(slots) - math.pi / 2 - math.pi / 4 * (len(slots) == 4)
        exemplars = cards[concept].exemplars
        is_edited = said.concept_in(slot) is not None
        weight = evidence.node_contributions[slot] if evidence.node_contributions else None
        told = "new" if is_edited else ("" if weight is None else signed(weight))
        # A wide ellipse: the drawing's frame is wider than it is high.
        position = {"x": 1.35 * _RADIUS * math.cos(angle), "y": _RADIUS * math.sin(angle)}
        classes = ["edited"] if is_edited else []
        classes += ["chosen"] if slot == view.slot and view.edge is None else []
        data = {
            "id": f"slot-{slot}",
            "slot": slot,
            "label": f"{short(concept)}  {told}".strip(),
            "picture": picture_url(shown, exemplars[0].file) if exemplars else "none",
        }
        nodes.append({"data": data, "position": position, "classes": " ".join(classes)})
    return nodes


def _edges(
    evidence: ClassEvidence, said: ClassDraft, view: GraphView
) -> Sequence[dict[str, object]]:
    largest = max((abs(edge.contribution) for edge in evidence.edges), default=0.0) or 1.0
    edges: list[dict[str, object]] = []
    for edge in evidence.edges:
        state = state_of(evidence, said, edge.src, edge.dst)
        classes = [state, "for" if edge.contribution >= 0 else "against"]
        classes += ["edited"] if said.edge_between(edge.src, edge.dst) else []
        classes += ["chosen"] if view.edge == (edge.src, edge.dst) else []
        data = {
            "id": f"edge-{edge.src}-{edge.dst}",
            "source": f"slot-{edge.src}",
            "target": f"slot-{edge.dst}",
            "src": edge.src,
            "dst": edge.dst,
            "width": 1.0 + 8.0 * abs(edge.contribution) / largest,
        }
        edges.append({"data": data, "classes": " ".join(classes)})
    return edges


_STYLE: list[dict[str, object]] = [
    {
        "selector": "node",
        "style": {
            "width": 96,
            "height": 96,
            "shape": "round-rectangle",
            "background-color": "#8a9097",
            "background-image": "data(picture)",
            "background-fit": "cover",
            "border-width": 2,
            "border-color": "#8a9097",
            "label": "data(label)",
            "font-size": 13,
            "font-family": "system-ui, sans-serif",
            # A caption on the picture reads on light and dark ground, and no edge crosses it.
            "color": "#ffffff",
            "text-valign": "bottom",
            "text-margin-y": -19,
            "text-background-color": "#14161a",
            "text-background-opacity": 0.72,
            "text-background-padding": 3,
            "text-background-shape": "round-rectangle",
        },
    },
    {"selector": "node.edited", "style": {"border-color": CHANGED, "border-width": 5}},
    {
        "selector": "node.chosen",
        "style": {"outline-color": CHANGED, "outline-width": 3, "outline-offset": 4},
    },
    {
        "selector": "edge",
        "style": {
            "width": "data(width)",
            "curve-style": "bezier",
            "control-point-step-size": 26,
            "target-arrow-shape": "triangle",
            "arrow-scale": 0.9,
            "opacity": 0.75,
            "line-color": FOR,
            "target-arrow-color": FOR,
        },
    },
    {"selector": "edge.against", "style": {"line-color": AGAINST, "target-arrow-color": AGAINST}},
    {
        "selector": "edge.removed",
        "style": {
            "line-color": GONE, "target-arrow-color": GONE, "line-style": "dotted",
            "width": 2, "opacity": 0.6,
        },
    },
    {
        "selector": "edge.added",
        "style": {"line-color": CHANGED, "target-arrow-color": CHANGED, "width": 5, "opacity": 0.9},
    },
    {
        "selector": "edge.chosen",
        "style": {
            "opacity": 1, "underlay-color": CHANGED, "underlay-opacity": 0.25,
            "underlay-padding": 6,
        },
    },
]  # fmt: skip
