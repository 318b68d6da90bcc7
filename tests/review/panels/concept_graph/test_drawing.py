"""The drawings of a class graph: as wide as an edge contributes, coloured by its sign.

What Chromium makes of it is in ``tests/e2e/test_review_page.py``.
"""

import pytest

from feedback.channels.concept_graph import ClassEvidence
from review.panels.concept_graph.draft import ClassDraft, EdgeEdit
from review.panels.concept_graph.drawn_view import drawn_graph
from review.panels.concept_graph.graph_view import AGAINST, CHANGED, FOR, GONE, graph_elements
from review.panels.concept_graph.viewing import GraphView
from review.shown import AnyShown
from tests.review_request import make_evidence

VALUES = {(0, 1): 0.4, (0, 2): -0.4, (1, 0): 0.1, (1, 2): -0.2, (2, 0): 0.0, (2, 1): 0.3}
# One pixel and eight more for the largest.
WIDTHS = {(0, 1): 9, (0, 2): 9, (1, 0): 3, (1, 2): 5, (2, 0): 1, (2, 1): 7}


def weighed(**states: str) -> ClassEvidence:
    shown = make_evidence().classes[0]
    edges = tuple(
        one.model_copy(
            update={
                "contribution": VALUES[one.src, one.dst],
                "state": states.get(f"e{one.src}{one.dst}", "auto"),
            }
        )
        for one in shown.edges
    )
    return shown.model_copy(update={"edges": edges})


def edges_of(shown: AnyShown, said: ClassDraft) -> dict:
    elements = graph_elements(shown, weighed(), said, GraphView())
    edges = [one for one in elements if "source" in one["data"]]
    return {
        (one["data"]["src"], one["data"]["dst"]): (one["data"]["width"], one["classes"])
        for one in edges
    }


def test_an_edge_is_as_wide_as_it_contributes_and_is_told_for_or_against(shown: AnyShown) -> None:
    found = edges_of(shown, ClassDraft())
    assert {way: width for way, (width, _) in found.items()} == pytest.approx(WIDTHS)
    assert {way for way, (_, told) in found.items() if told == "auto against"} == {(0, 2), (1, 2)}
    assert {told for _, told in found.values()} == {"auto for", "auto against"}


def test_an_edited_edge_is_told_as_cut_or_added(shown: AnyShown) -> None:
    cut = EdgeEdit(src=0, dst=1, state="removed")
    added = EdgeEdit(src=1, dst=2, state="added")
    found = edges_of(shown, ClassDraft(edges=(cut, added)))
    assert found[0, 1][1] == "removed for edited"
    assert found[1, 2][1] == "added against edited"
    assert found[2, 1][1] == "auto for"


def test_the_drawing_without_a_script_has_the_same_widths_and_colours(shown: AnyShown) -> None:
    evidence = weighed(e01="removed", e12="added")
    ((_, _, parts),) = drawn_graph(shown, evidence).described
    lines = [part[2][0][1] for part in parts if part[2][0][0] == "path"]
    heads = [part[2][1][1]["fill"] for part in parts if part[2][0][0] == "path"]
    ways = [(edge.src, edge.dst) for edge in evidence.edges]
    drawn = dict(zip(ways, ((one["stroke-width"], one["stroke"]) for one in lines), strict=True))
    assert drawn == {
        (0, 1): ("2.0", GONE), (0, 2): ("9.0", AGAINST), (1, 0): ("3.0", FOR),
        (1, 2): ("5.0", CHANGED), (2, 0): ("1.0", FOR), (2, 1): ("7.0", FOR),
    }  # fmt: skip
    assert heads == [one["stroke"] for one in lines]
    assert [way for way, one in zip(ways, lines, strict=True) if "stroke-dasharray" in one] == [
        (0, 1)
    ]
