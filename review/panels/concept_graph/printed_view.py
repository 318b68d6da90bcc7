"""One class on a page without a server: its graph, its candidates, and what may be chosen."""

from dash import html
from dash.development.base_component import Component
from pydantic import JsonValue

from feedback.channels.concept_graph.evidence import ClassEvidence, ConceptCard
from review.offline.choices import assent, choice, remark
from review.panels.concept_graph.candidates_view import barred, card_of
from review.panels.concept_graph.carried_view import carried_section
from review.panels.concept_graph.class_view import class_facts, legend, slots_section
from review.panels.concept_graph.draft import ClassDraft
from review.panels.concept_graph.drawn_view import drawn_graph
from review.panels.concept_graph.edges_view import edges_section
from review.panels.concept_graph.editing import class_shown
from review.panels.concept_graph.examples_view import examples_section
from review.panels.concept_graph.parts import GraphShown, short
from review.panels.concept_graph.viewing import LISTED
from review.parts import percent

_LEVELS = ("1, a guess", "2", "3", "4", "5, certain")


def printed(shown: GraphShown, item: str) -> list[Component]:
    """Show a class as it stands, without an edit, and let edits be chosen.

    Args:
        shown: The request.
        item: The class.

    Returns:
        What the page shows of it, without what only a server can do.
    """
    evidence, nothing = class_shown(shown.evidence, item), ClassDraft()
    listed, more = evidence.candidates[:LISTED], evidence.candidates[LISTED:]
    parts: list[Component] = [
        html.H2(item),
        class_facts(shown, evidence),
        html.Div(
            [
                html.Section(
                    [html.Figure(html.Div([drawn_graph(shown, evidence)])), legend()],
                    className="graph",
                ),
                slots_section(shown, evidence, nothing),
            ],
            className="graph-row",
        ),
        carried_section(shown, evidence, nothing),
        html.Section([html.H3("Candidates"), _cards(shown, evidence, listed)]),
    ]
    if more:
        rest = [html.Summary(f"{len(more)} more candidates"), _cards(shown, evidence, more)]
        parts.append(html.Details(rest, className="closed"))
    return [
        *parts,
        edges_section(shown, evidence, nothing),
        examples_section(shown, item),
        _said(evidence),
    ]


def _cards(shown: GraphShown, evidence: ClassEvidence, cards: tuple[ConceptCard, ...]) -> Component:
    return html.Div([card_of(shown, card, evidence) for card in cards], className="candidates")


def _said(evidence: ClassEvidence) -> Component:
    name, slots = evidence.class_name, evidence.slots
    rows = [
        html.Tr([html.Th(f"slot {slot + 1}, {short(concept)}", scope="row"),
                 html.Td(_replacement(evidence, slot))])
        for slot, concept in enumerate(slots)
    ]  # fmt: skip
    edges = [
        html.Tr([html.Th(short(concept), scope="row"),
                 *(html.Td(_edge(evidence, src, dst)) for dst in range(len(slots)))])
        for src, concept in enumerate(slots)
    ]  # fmt: skip
    head = [html.Td("from ↓ to →", className="quiet"), *(html.Th(short(one)) for one in slots)]
    return html.Section(
        [
            html.H3(f"What you say of {name}"),
            html.Div(html.Table(html.Tbody(rows), className="chosen"), className="scroll"),
            html.Div(
                html.Table([html.Thead(html.Tr(head)), html.Tbody(edges)], className="chosen"),
                className="scroll",
            ),
            html.Div(
                [
                    assent(name, "Right as it is"),
                    choice(
                        name, [(told, level) for level, told in enumerate(_LEVELS, 1)],
                        name=f"How sure of {name}", field="confidence", nothing="how sure?",
                    ),
                ]
            ),
            remark(name, f"Anything else about {name}?"),
        ],
        className="said",
    )  # fmt: skip


def _replacement(evidence: ClassEvidence, slot: int) -> Component:
    name, shown = evidence.class_name, evidence.slots[slot]
    held = barred(evidence, ClassDraft(), slot)
    options: list[tuple[str, JsonValue]] = [
        (
            f"{card.concept_id} · found in {percent(card.detection_rate)}",
            {"op": "replace_concept", "slot": slot, "from": shown, "to": card.concept_id},
        )
        for card in evidence.candidates
        if card.concept_id not in held
    ]
    told = f"Replacement in slot {slot + 1} of {name}"
    return choice(name, options, name=told, into="ops", why="reason", nothing="keep")


def _edge(evidence: ClassEvidence, src: int, dst: int) -> Component | None:
    if src == dst:
        return None
    name = f"{short(evidence.slots[src])} to {short(evidence.slots[dst])}"
    ends: dict[str, JsonValue] = {"src": src, "dst": dst}
    options: list[tuple[str, JsonValue]] = [
        ("remove", {"op": "remove_edge", **ends}),
        ("add", {"op": "add_edge", **ends}),
    ]
    told = f"Edge {name} of {evidence.class_name}"
    return choice(evidence.class_name, options, name=told, into="ops", why="reason")
