"""One class on the page: its places, what fills them, which of its buttons are selected."""

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from feedback.previews import Preview
from review.panels.concept_graph.candidates_view import barred, candidates_section, pair_section
from review.panels.concept_graph.carried_view import carried_section
from review.panels.concept_graph.class_view import class_head, graph_section, slots_section
from review.panels.concept_graph.draft import ClassDraft
from review.panels.concept_graph.edges_view import edge_editor, edges_section
from review.panels.concept_graph.editing import class_shown
from review.panels.concept_graph.examples_view import examples_section
from review.panels.concept_graph.graph_view import drawings
from review.panels.concept_graph.parts import GraphShown, short
from review.panels.concept_graph.viewing import GraphView, in_bounds
from review.parts import button, field, live_place, percent, place
from review.pieces import Keyed, Marks, Places


def layout() -> Sequence[Component]:
    """Make the places of a class, empty."""
    return [
        place("head"),
        place("carried"),
        html.Div([live_place("figures"), place("slots")], className="graph-row"),
        place("pair"),
        place("grid"),
        html.Div([place("edges"), place("editor", className="editor")], className="edges-row"),
        place("bottom"),
        dcc.Store(id="tapped-node"),
        dcc.Store(id="tapped-edge"),
    ]


def parts_of(shown: GraphShown, said: ClassDraft, view: GraphView) -> Places:
    """Show a class.

    Args:
        shown: The request.
        said: What the reviewer said about the class.
        view: What they look at.

    Returns:
        Content by place.
    """
    evidence = class_shown(shown.evidence, view.item or "")
    view = in_bounds(view, evidence)
    # What each place depends on; what does not change is not made at all.
    item, concepts = evidence.class_name, f"{said.concepts}"
    said_at_all = f"{said.confidence} {said.confirmed} {said.n_edits > 0} {said == ClassDraft()}"
    return {
        "head": Keyed(lambda: class_head(shown, evidence, said), f"{item} {said_at_all}"),
        "carried": carried_section(shown, evidence, said),
        # Drawings are changed in place, which keeps them from flickering.
        "figures": Keyed(
            lambda: graph_section(shown, evidence, said, view),
            f"{item} {view.compare}",
            drawings(shown, evidence, said, view),
        ),
        "slots": Keyed(lambda: slots_section(shown, evidence, said), f"{item} {concepts}"),
        "pair": Keyed(
            lambda: pair_section(shown, evidence, said, view),
            f"{item} {view.slot} {view.candidate} {concepts}",
        ),
        # What is selected or cannot be chosen is marked in place.
        "grid": Keyed(
            lambda: candidates_section(shown, evidence, view),
            f"{item} {view.sorting} {view.n_listed}",
        ),
        "edges": Keyed(
            lambda: edges_section(shown, evidence, said), f"{item} {concepts} {said.edges}"
        ),
        "editor": edge_editor(evidence, said, view),
        "bottom": Keyed(lambda: _bottom(shown, said, item), f"{item} {said.comment}"),
    }


def marks_of(shown: GraphShown, said: ClassDraft, view: GraphView) -> Marks:
    """Tell which buttons are selected and which candidates cannot be chosen.

    Args:
        shown: The request.
        said: What the reviewer said about the class.
        view: What they look at.

    Returns:
        Slot, edge and candidate that are looked at; candidates that the slot cannot take.
    """
    evidence = class_shown(shown.evidence, view.item or "")
    view = in_bounds(view, evidence)
    pressed = [f"candidate {view.candidate}", f"slot {view.slot}"]
    if view.edge is not None:
        pressed.append(f"edge {view.edge[0]} {view.edge[1]}")
    held = barred(evidence, said, view.slot)
    return Marks(pressed, sorted(f"candidate {name}" for name in held))


def tools(view: GraphView, n_edits: int) -> Sequence[Component]:
    """Make the button that shows graphs before and after the edits."""
    return [
        button(
            "Compare",
            {"kind": "look", "compare": not view.compare},
            pressed=view.compare,
            id="compare",
            className="soft",
            disabled=not n_edits,
            key="c",
        )
    ]


def effect_told(found: Preview) -> Sequence[Component]:
    """Tell what a worker found: how often concepts are found, and how often a reasoner is right.

    Args:
        found: Its answer.

    Returns:
        The content of the preview.
    """
    lines = [
        html.Li(
            f"{concept.class_name}, slot {concept.slot + 1}: {short(concept.before)} → "
            f"{short(concept.after)}, found in {percent(concept.detection_before)} → "
            f"{percent(concept.detection_after)} of its images"
        )
        for concept in found.concepts
    ]
    accuracy = (
        f"Quick reasoner on {found.n_images} validation images: right on "
        f"{percent(found.accuracy_before)} → {percent(found.accuracy_after)}"
    )
    return [html.P(accuracy, className="preview-accuracy"), html.Ul(lines)]


def _bottom(shown: GraphShown, said: ClassDraft, class_name: str) -> Component:
    """Show the examples of the class, and the field for a remark."""
    action = {"kind": "remark", "item": class_name}
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
