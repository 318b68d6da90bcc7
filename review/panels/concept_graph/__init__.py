"""Concept graphs on the page: a graph for each class, edited slot by slot and edge by edge.

Not empty like other packages: the page looks for the parts of ``review.panel.Panel`` here.
"""

from feedback.channels.concept_graph import read_evidence
from review.panels.concept_graph.actions import (
    Confirm,
    GraphLook,
    ReplaceConceptAction,
    SetConfidence,
    SetEdge,
    SetReason,
)
from review.panels.concept_graph.draft import ClassDraft
from review.panels.concept_graph.editing import apply
from review.panels.concept_graph.overview import glimpse, notes, overview, value_told
from review.panels.concept_graph.page import effect_told, layout, marks_of, parts_of, tools
from review.panels.concept_graph.printed_view import printed
from review.panels.concept_graph.responses import check, draft_of, response_of, told
from review.panels.concept_graph.taps import register
from review.panels.concept_graph.viewing import GraphView, look
from review.pieces import Shortcut, Words

DRAFT = ClassDraft
"""What is said about one class."""

VIEW = GraphView
"""Where on a class's page somebody looks."""

LOOK = GraphLook
"""Message that leads there."""

ACTIONS = (ReplaceConceptAction, SetEdge, SetReason, Confirm, SetConfidence)
"""Messages that edit a class's graph."""

WORDS = Words(
    item="class",
    items="classes",
    unedited="the graphs are taken as they were shown",
    champion="the champion's graphs",
    same="Concepts and edges are those of the champion's graphs.",
)
"""How the page speaks about classes."""

SHORTCUTS = (
    Shortcut("← →", "previous or next slot; within the candidates, the next picture"),
    Shortcut("Enter", "put the candidate that is held beside into the slot"),
    Shortcut("x, a", "remove or add the chosen edge"),
    Shortcut("c", "compare before and after"),
)
"""Keys of a class's page."""

__all__ = [
    "ACTIONS",
    "DRAFT",
    "LOOK",
    "SHORTCUTS",
    "VIEW",
    "WORDS",
    "apply",
    "check",
    "draft_of",
    "effect_told",
    "glimpse",
    "layout",
    "look",
    "marks_of",
    "notes",
    "overview",
    "parts_of",
    "printed",
    "read_evidence",
    "register",
    "response_of",
    "told",
    "tools",
    "value_told",
]
