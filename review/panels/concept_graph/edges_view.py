"""The edges of a class graph as a table that can be walked by keyboard, and the chosen edge."""

from dash import html
from dash.development.base_component import Component

from feedback.channels.concept_graph.evidence import ClassEvidence
from review.panels.concept_graph.draft import ClassDraft
from review.panels.concept_graph.graph_view import slots_after, state_of
from review.panels.concept_graph.parts import GraphShown, exemplar, short
from review.panels.concept_graph.viewing import GraphView
from review.parts import button, field, signed

_TOLD = {"auto": "learned", "removed": "cut", "added": "asserted"}
_STEPS = 4


def edges_section(shown: GraphShown, evidence: ClassEvidence, said: ClassDraft) -> Component:
    """Show every directed edge, from the row's concept to the column's.

    Args:
        shown: The request.
        evidence: The class.
        said: Its edits.

    Returns:
        The section; the chosen edge stands apart.
    """
    cards = {card.concept_id: card for card in evidence.candidates}
    slots = slots_after(evidence, said)
    head = [
        html.Th([exemplar(shown, cards[c], css="crop mini"), html.Span(short(c))], scope="col")
        for c in slots
    ]
    rows = [
        html.Tr(
            [
                html.Th(
                    [exemplar(shown, cards[concept], css="crop mini"), html.Span(short(concept))],
                    scope="row",
                ),
                *(_cell(evidence, said, src, dst, slots) for dst in range(len(slots))),
            ]
        )
        for src, concept in enumerate(slots)
    ]
    return html.Section(
        [
            html.H3("Edges"),
            html.P(
                "From the row's concept to the column's: mean contribution to the class's logit.",
                className="quiet",
            ),
            html.Div(
                html.Table(
                    [
                        html.Thead(html.Tr([html.Td("from ↓ to →", className="quiet"), *head])),
                        html.Tbody(rows),
                    ],
                    className="matrix edges",
                ),
                className="scroll",
                tabIndex="0",
                role="region",
                **{"aria-label": "Edges of the graph"},
            ),
        ],
        className="edges-section",
    )


def _cell(
    evidence: ClassEvidence,
    said: ClassDraft,
    src: int,
    dst: int,
    slots: tuple[str, ...],
) -> Component:
    if src == dst:
        return html.Td("", className="self")
    weight = next(e.contribution for e in evidence.edges if (e.src, e.dst) == (src, dst))
    largest = max(abs(edge.contribution) for edge in evidence.edges) or 1.0
    state = state_of(evidence, said, src, dst)
    edited = " edited" if said.edge_between(src, dst) else ""
    side = "for" if weight >= 0 else "against"
    strength = round(_STEPS * abs(weight) / largest)
    label = f"{short(slots[src])} to {short(slots[dst])}: {signed(weight)}, {_TOLD[state]}"
    mark = {"removed": "✕ ", "added": "＋ ", "auto": ""}[state]
    return html.Td(
        button(
            f"{mark}{signed(weight)}",
            {"kind": "look", "src": src, "dst": dst},
            name=label,
            mark=f"edge {src} {dst}",
            className=f"edge {side} s{strength} {state}{edited}",
        )
    )


def edge_editor(evidence: ClassEvidence, said: ClassDraft, view: GraphView) -> Component:
    """Show the chosen edge, and what can become of it.

    Args:
        evidence: The class.
        said: Its edits.
        view: Chosen edge.

    Returns:
        The editor; a hint while no edge is chosen.
    """
    slots = slots_after(evidence, said)
    if view.edge is None:
        return html.Div(
            "Choose an edge, in the table or in the drawing, to cut or assert it.",
            className="edge-editor empty",
        )
    src, dst = view.edge
    state = state_of(evidence, said, src, dst)
    base = next(edge.state for edge in evidence.edges if (edge.src, edge.dst) == (src, dst))
    edit = said.edge_between(src, dst)

    def choice(label: str, to: str, both: bool = False, key: str = "") -> Component:
        action: dict[str, object] = {
            "kind": "edge", "item": evidence.class_name,
            "src": src, "dst": dst, "state": to, "both_ways": both,
        }  # fmt: skip
        is_on = not both and (state == to if to != "as_shown" else edit is None)
        content = [label, html.Kbd(key)] if key else label
        return button(
            content, action, pressed=None if both else is_on, key=key, className="choice",
            id=f"edge-{to}{'-both' if both else ''}",
        )  # fmt: skip

    parts: list[Component] = [
        html.H4(f"{short(slots[src])} → {short(slots[dst])}"),
        html.P(f"Shown as {_TOLD[base]}, now {_TOLD[state]}.", className="quiet"),
        html.Div(
            [
                choice(f"Leave {_TOLD[base]}", "as_shown"),
                choice("Remove", "removed", key="x"),
                choice("Add", "added", key="a"),
                choice("Add both ways", "added", both=True),
            ],
            className="choices",
            role="group",
            **{"aria-label": "What becomes of the edge"},
        ),
        html.P(
            "A removed edge passes no message. An added one always counts: it is never pruned.",
            className="quiet",
        ),
    ]
    if edit is not None:
        action: dict[str, object] = {
            "kind": "reason", "item": evidence.class_name, "src": src, "dst": dst,
        }  # fmt: skip
        parts.append(field("Why? (optional)", edit.reason, action, limit=500))
    return html.Div(parts, className="edge-editor")
