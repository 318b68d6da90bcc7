"""What could stand in the chosen slot: the concept there, one candidate beside it, all others."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from feedback.channels.concept_graph.evidence import ClassEvidence, ConceptCard
from review.panels.concept_graph.actions import Sorting
from review.panels.concept_graph.class_view import numbers
from review.panels.concept_graph.draft import ClassDraft
from review.panels.concept_graph.graph_view import slots_after
from review.panels.concept_graph.parts import GraphShown, exemplar, short
from review.panels.concept_graph.viewing import LISTED, GraphView
from review.parts import button, field, plural


def sort_candidates(cards: Sequence[ConceptCard], sorting: Sorting) -> Sequence[ConceptCard]:
    """Order candidates.

    Args:
        cards: Candidates, best score first as the evidence holds them.
        sorting: ``score``, or ``distinct`` for the distance to other classes' concepts.

    Returns:
        The same cards, the most promising first; unknown values last.
    """
    if sorting == "score":
        return cards
    return sorted(cards, key=lambda card: -(card.uniqueness if card.uniqueness is not None else -1))


def barred(evidence: ClassEvidence, said: ClassDraft, slot: int) -> frozenset[str]:
    """Return the concepts that may not be put into a slot.

    What was shown in another slot stays barred: the gate takes no concept that the graph held.

    Args:
        evidence: The class.
        said: Its edits.
        slot: The slot.

    Returns:
        Ids of concepts.
    """
    after = slots_after(evidence, said)
    held = (set(after) | set(evidence.slots)) - {evidence.slots[slot]}
    return frozenset(held | {after[slot]})


def pair_section(
    shown: GraphShown, evidence: ClassEvidence, said: ClassDraft, view: GraphView
) -> Component:
    """Show the concept in the chosen slot and the candidate that is held beside it.

    Args:
        shown: The request.
        evidence: The class.
        said: Its edits.
        view: Chosen slot and candidate.

    Returns:
        The section.
    """
    cards = {card.concept_id: card for card in evidence.candidates}
    here = cards[slots_after(evidence, said)[view.slot]]
    held = cards.get(view.candidate or "")
    if held is not None and held.concept_id in barred(evidence, said, view.slot):
        held = None
    return html.Section(
        [
            html.H3(f"Slot {view.slot + 1}: keep or replace"),
            html.Div(
                [
                    _large(shown, here, "In the graph", _reason(evidence, said, view)),
                    _large(shown, held, "Candidate", [_put(evidence, view, held)])
                    if held
                    else html.Div(
                        "Choose a candidate below to hold it beside the concept in the graph.",
                        className="concept empty",
                    ),
                ],
                className="pair",
            ),
        ]
    )


def candidates_section(shown: GraphShown, evidence: ClassEvidence, view: GraphView) -> Component:
    """Show the candidates of a class; those that the chosen slot cannot take are hidden by marks.

    Args:
        shown: The request.
        evidence: The class.
        view: Order, and how many are listed.

    Returns:
        The section, the same for every slot and edit.
    """
    listed = sort_candidates(evidence.candidates, view.sorting)[: view.n_listed]
    n_left = len(evidence.candidates) - len(listed)
    return html.Section(
        [
            html.Div(
                [
                    html.H3("Candidates"),
                    html.Span(
                        [
                            html.Span("Sort by ", className="quiet"),
                            _sort("score", "Score", view),
                            _sort("distinct", "Distinctiveness", view),
                        ],
                        className="segmented",
                        role="group",
                        **{"aria-label": "Order of the candidates"},
                    ),
                ],
                className="section-head",
            ),
            html.Div(
                [card_of(shown, card, evidence) for card in listed],
                className="candidates",
                id="candidates",
                **{"data-steps": "ArrowLeft ArrowRight", "data-steps-from": "focus"},
            ),
            button(
                f"Show {LISTED} more of {n_left}" if n_left > LISTED else f"Show {n_left} more",
                {"kind": "look", "n_listed": view.n_listed + LISTED},
                className="soft more",
            )
            if n_left > 0
            else html.Span(),
        ],
        className="candidates-section",
    )


def _sort(sorting: Sorting, label: str, view: GraphView) -> Component:
    action = {"kind": "look", "sorting": sorting}
    return button(label, action, pressed=view.sorting == sorting)


def _large(
    shown: GraphShown, card: ConceptCard, title: str, below: Sequence[Component]
) -> Component:
    about = []
    if card.closest_other and card.closest_other_cosine is not None:
        about.append(
            f"closest elsewhere {card.closest_other}, cosine {card.closest_other_cosine:.2f}"
        )
    if card.uniqueness is not None:
        about.append(f"distinctiveness {card.uniqueness:.2f}")
    about.append(f"{plural(card.n_segments, 'segment')} in {plural(card.n_images, 'image')}")
    return html.Div(
        [
            html.P(title, className="quiet over"),
            html.H4(card.concept_id),
            numbers(card),
            html.Div(
                [exemplar(shown, card, index) for index in range(min(len(card.exemplars), 10))],
                className="crops",
            ),
            html.P(" · ".join(about), className="quiet"),
            *below,
        ],
        className="concept",
    )


def _put(evidence: ClassEvidence, view: GraphView, card: ConceptCard) -> Component:
    is_back = card.concept_id == evidence.slots[view.slot]
    label = "Put back what was shown" if is_back else f"Put {short(card.concept_id)} into slot"
    return button(
        [f"{label} {'' if is_back else view.slot + 1}".strip(), html.Kbd("Enter")],
        {
            "kind": "replace",
            "item": evidence.class_name,
            "slot": view.slot,
            "to": card.concept_id,
        },
        className="primary",
        id="put",
        key="Enter",
    )


def _reason(evidence: ClassEvidence, said: ClassDraft, view: GraphView) -> Sequence[Component]:
    edit = said.concept_in(view.slot)
    if edit is None:
        return []
    action = {"kind": "reason", "item": evidence.class_name, "src": view.slot, "dst": None}
    back = {
        "kind": "replace",
        "item": evidence.class_name,
        "slot": view.slot,
        "to": evidence.slots[view.slot],
    }
    return [
        field("Why is it better? (optional)", edit.reason, action, limit=500),
        button(f"Put {short(evidence.slots[view.slot])} back", back, className="plain"),
    ]


def card_of(shown: GraphShown, card: ConceptCard, evidence: ClassEvidence) -> Component:
    """Show a candidate, as a button that holds it beside the slot's concept."""
    notes = []
    if card.class_name != evidence.class_name:
        notes.append(html.Span(f"from {card.class_name}", className="badge"))
    if not card.popular:
        notes.append(html.Span("rare", className="badge"))
    if not card.significant:
        notes.append(html.Span("not significant", className="badge"))
    return button(
        [
            html.Span(
                [exemplar(shown, card, index) for index in range(3)], className="crops three"
            ),
            html.Span([html.Strong(short(card.concept_id)), *notes], className="candidate-name"),
            numbers(card),
        ],
        {"kind": "look", "candidate": card.concept_id},
        name=f"Candidate {card.concept_id}",
        mark=f"candidate {card.concept_id}",
        className="candidate",
    )
