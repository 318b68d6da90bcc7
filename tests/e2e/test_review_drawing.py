"""The drawing of a class graph in Chromium: it follows what is edited, and tells size and sign."""

from typing import TYPE_CHECKING

import pytest

from feedback.channels.concept_graph import pack_evidence
from tests.e2e.browser import page_of
from tests.e2e.reviewing import open_class, replace_first_concept, store, told
from tests.feedback.memory import MemoryStore
from tests.review.conftest import publish_request
from tests.review_request import make_evidence

if TYPE_CHECKING:
    pass

__all__ = ["page_of", "store"]

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(240)]


def test_the_drawing_follows_edits_where_it_stands(page_of, store: MemoryStore) -> None:
    page = page_of(store)
    open_class(page)
    drawing = page.locator(".drawing > div").first.element_handle()
    drawn = "node => node._cyreg.cy.nodes()[0].data('label')"
    assert drawing.evaluate(drawn) == "k00"
    replace_first_concept(page)
    page.get_by_role("button", name="k01 to k02", exact=False).first.click()
    page.get_by_role("heading", name="k01 → k02").wait_for()
    page.keyboard.press("x")
    told(page, "2 edits")
    # It has not been made anew, which would flicker.
    assert drawing.evaluate(drawn) == "k03  new"
    cut = "node => node._cyreg.cy.edges('.removed').map((edge) => edge.id())"
    assert drawing.evaluate(cut) == ["edge-1-2"]
    page.keyboard.press("c")
    page.get_by_text("With your edits").wait_for()
    page.keyboard.press("u")
    told(page, "1 edit")
    assert page.locator(".drawing").count() == 2


def test_an_edge_is_drawn_by_the_size_and_the_sign_of_its_contribution(page_of) -> None:
    store, given = MemoryStore(), make_evidence()
    values = {(0, 1): 0.4, (0, 2): -0.4, (1, 0): 0.1, (1, 2): -0.2, (2, 0): 0.0, (2, 1): 0.3}
    edges = tuple(
        one.model_copy(update={"contribution": values[one.src, one.dst]})
        for one in given.classes[0].edges
    )
    first = given.classes[0].model_copy(update={"edges": edges})
    weighed = given.model_copy(update={"classes": (first, *given.classes[1:])})
    evidence, items = pack_evidence(weighed, {})
    publish_request(store, evidence=evidence, items=items)
    page = page_of(store)
    open_class(page)
    # Asked of the drawing itself, where numbers, classes and style sheet have met.
    look = """node => Object.fromEntries(node._cyreg.cy.edges().map((edge) => [
        edge.id(), [Math.round(edge.numericStyle('width') * 1000) / 1000,
        edge.style('line-color'), edge.style('target-arrow-color')],
    ]))"""
    drawing = page.locator(".drawing > div").first
    pro, contra, gone, added = (
        "rgb(26,127,142)", "rgb(200,100,43)", "rgb(154,160,166)", "rgb(106,84,201)",
    )  # fmt: skip
    as_shown = {
        "edge-0-1": [9, pro, pro], "edge-0-2": [9, contra, contra], "edge-1-0": [3, pro, pro],
        "edge-1-2": [5, contra, contra], "edge-2-0": [1, pro, pro], "edge-2-1": [7, pro, pro],
    }  # fmt: skip
    assert drawing.evaluate(look) == as_shown
    for label, heading, key, count in (
        ("k00 to k01", "k00 → k01", "x", "1 edit"),
        ("k01 to k02", "k01 → k02", "a", "2 edits"),
    ):
        page.get_by_role("button", name=label, exact=False).first.click()
        page.get_by_role("heading", name=heading).wait_for()
        page.keyboard.press(key)
        told(page, count)
    assert drawing.evaluate(look) == as_shown | {
        "edge-0-1": [2, gone, gone], "edge-1-2": [5, added, added],
    }  # fmt: skip
