"""Where a reviewer is looking: which class, slot, edge and candidate. Pure, like the draft."""

from typing import Annotated

from pydantic import Field

from feedback.channels.concept_graph.evidence import ClassEvidence, GraphEvidence
from feedback.channels.concept_graph.ops import Slot
from feedback.fields import Name
from review.panels.concept_graph.actions import GraphLook, Sorting
from review.panels.concept_graph.editing import class_shown
from review.viewing import View, look_at

LISTED = 12
"""Candidates that are listed at first, and more at a time."""


class GraphView(View):
    """What the page shows of a class; ``item`` is the class."""

    slot: Slot = 0
    """Slot whose candidates are listed."""
    edge: tuple[Slot, Slot] | None = None
    """Edge that is looked at."""
    candidate: Name | None = None
    """Candidate that is held beside the slot's concept."""
    sorting: Sorting = "score"
    """Order of the candidates."""
    n_listed: Annotated[int, Field(ge=1, le=1000)] = LISTED
    """Candidates that are listed; more on demand, so that an edit redraws little."""
    compare: bool = False
    """Whether the graph is shown before and after the edits."""


def look(view: GraphView, action: GraphLook, evidence: GraphEvidence) -> GraphView:
    """Return the view after looking elsewhere.

    Args:
        view: The view so far.
        action: What is looked at; a class alone starts at its first slot.
        evidence: What is shown.

    Returns:
        The next view.

    Raises:
        UnknownTargetError: If there is no such class.
    """
    changes: dict[str, object] = {}
    if action.sorting is not None:
        changes["sorting"] = action.sorting
    if action.n_listed is not None:
        changes["n_listed"] = action.n_listed
    if action.compare is not None:
        changes["compare"] = action.compare
    if action.item is not None and action.item != view.item:
        class_shown(evidence, action.item)
        changes |= {"slot": 0, "edge": None, "candidate": None, "n_listed": LISTED}
    if action.is_back:
        changes |= {"edge": None, "candidate": None}
    if action.src is not None and action.dst is not None:
        changes["edge"] = (action.src, action.dst)
    if action.slot is not None:
        changes |= {"slot": action.slot, "candidate": None, "edge": None}
    if action.candidate is not None:
        changes["candidate"] = action.candidate
    return look_at(view, action).model_copy(update=changes)


def in_bounds(view: GraphView, shown: ClassEvidence) -> GraphView:
    """Return the view with slot, edge and candidate that the class has."""
    n_slots = len(shown.slots)
    edge = view.edge
    if edge is not None and (max(edge) >= n_slots or edge[0] == edge[1]):
        edge = None
    known = {card.concept_id for card in shown.candidates}
    candidate = view.candidate if view.candidate in known else None
    return view.model_copy(
        update={"slot": min(view.slot, n_slots - 1), "edge": edge, "candidate": candidate}
    )
