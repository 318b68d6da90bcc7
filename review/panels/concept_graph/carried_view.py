"""Accepted edits of earlier reviews: proposals that a reviewer takes over one by one, or leaves."""

from dash import html
from dash.development.base_component import Component

from feedback.channels.concept_graph.carried import CarriedEdit
from feedback.channels.concept_graph.evidence import ClassEvidence, GraphEvidence
from feedback.channels.concept_graph.ops import AddEdge, ReplaceConcept
from review.panels.concept_graph.draft import ClassDraft
from review.panels.concept_graph.graph_view import slots_after
from review.panels.concept_graph.parts import GraphShown, exemplar, short
from review.parts import button, plural

Message = dict[str, object]


def carried_section(shown: GraphShown, evidence: ClassEvidence, said: ClassDraft) -> Component:
    """Show what an earlier review said of a class, rewritten for its graph of now.

    Args:
        shown: The request.
        evidence: The class.
        said: What the reviewer has said about it.

    Returns:
        The section; empty where nothing is carried over and nothing was lost.
    """
    if not evidence.carried and not evidence.lost:
        return html.Span()
    parts: list[Component] = [html.H3("Carried over")]
    if evidence.carried:
        parts.append(
            html.P(
                "Approved in an earlier review, of concepts that look the same to this network. "
                "Only what you take over becomes a part of your answer.",
                className="quiet",
            )
        )
        entries = [_proposal(shown, evidence, said, one) for one in evidence.carried]
        parts.append(html.Ul(entries, className="carried"))
    if evidence.lost:
        lost = [
            html.Li([one.was, html.Span(f" {one.why}", className="quiet")]) for one in evidence.lost
        ]
        told = f"{plural(len(lost), 'edit')} of an earlier review could not be carried over"
        parts.append(html.Details([html.Summary(told), html.Ul(lost)], className="closed"))
    return html.Section(parts, className="carried-section", **{"aria-label": "Carried over"})


def carried_summary(evidence: GraphEvidence) -> Component:
    """Tell of which classes earlier reviews speak; each entry leads to its class."""
    told = [one for one in evidence.classes if one.carried or one.lost]
    if not told:
        return html.Span()
    entries = [
        html.Li(
            [
                button(one.class_name, {"kind": "look", "item": one.class_name}, className="link"),
                f": {plural(len(one.carried), 'edit')} to look at again, {len(one.lost)} lost",
            ]
        )
        for one in told
    ]
    return html.Section([html.H3("Carried over from earlier reviews"), html.Ul(entries)])


def take_over(class_name: str, one: CarriedEdit) -> list[Message]:
    """Return the actions that make a proposal a part of the draft, with the reason given then."""
    op = one.op
    if isinstance(op, ReplaceConcept):
        does: Message = {"kind": "replace", "item": class_name, "slot": op.slot, "to": op.to}
        why: Message = {"kind": "reason", "item": class_name, "src": op.slot}
    else:
        state = "added" if isinstance(op, AddEdge) else "removed"
        does = _edge(class_name, one, state)
        why = {"kind": "reason", "item": class_name, "src": op.src, "dst": op.dst}
    return [does, why | {"text": op.reason}] if op.reason else [does]


def take_back(class_name: str, evidence: ClassEvidence, one: CarriedEdit) -> list[Message]:
    """Return the action that takes a proposal out of the draft again."""
    op = one.op
    if isinstance(op, ReplaceConcept):
        shown = evidence.slots[op.slot]
        return [{"kind": "replace", "item": class_name, "slot": op.slot, "to": shown}]
    return [_edge(class_name, one, "as_shown")]


def is_taken_over(said: ClassDraft, one: CarriedEdit) -> bool:
    """Tell whether the draft holds what a proposal does."""
    op = one.op
    if isinstance(op, ReplaceConcept):
        edit = said.concept_in(op.slot)
        return edit is not None and edit.to == op.to
    ways = [(op.src, op.dst)]
    if isinstance(op, AddEdge) and op.bidirectional:
        ways.append((op.dst, op.src))
    state = "added" if isinstance(op, AddEdge) else "removed"
    edges = [said.edge_between(*way) for way in ways]
    return all(edge is not None and edge.state == state for edge in edges)


def _edge(class_name: str, one: CarriedEdit, state: str) -> Message:
    op = one.op
    if isinstance(op, ReplaceConcept):
        raise TypeError("expected an edit of an edge (got one of a concept)")
    both = isinstance(op, AddEdge) and op.bidirectional
    where: Message = {"src": op.src, "dst": op.dst, "both_ways": both}
    return {"kind": "edge", "item": class_name, "state": state, **where}


def _proposal(
    shown: GraphShown, evidence: ClassEvidence, said: ClassDraft, one: CarriedEdit
) -> Component:
    cards = {card.concept_id: card for card in evidence.candidates}
    op, taken = one.op, is_taken_over(said, one)
    if isinstance(op, ReplaceConcept):
        ends, told = (op.from_, op.to), f"{short(op.from_)} → {short(op.to)}"
    else:
        after = slots_after(evidence, said)
        ends = (after[op.src], after[op.dst])
        verb = "assert" if isinstance(op, AddEdge) else "cut"
        told = f"{verb} the edge {short(ends[0])} → {short(ends[1])}"
    name = evidence.class_name
    actions = take_back(name, evidence, one) if taken else take_over(name, one)
    details = (
        f"was: {one.was} · similarity {one.similarity:.2f} · review of {one.decided_at:%d %B %Y}"
    )
    return html.Li(
        [
            *(exemplar(shown, cards[end], css="crop mini") for end in ends if end in cards),
            html.Span(
                [
                    html.Strong(told),
                    html.Span("in your answer", className="badge changed") if taken else "",
                    html.Span(details, className="quiet", title=one.request_id),
                    html.Span(f"“{op.reason}”") if op.reason else "",
                ],
                className="carried-told",
            ),
            button(
                "Take back" if taken else "Take over",
                actions,
                name=f"{'Take back' if taken else 'Take over'}: {told}",
                className="plain" if taken else "soft",
            ),
        ]
    )
