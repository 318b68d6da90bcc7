"""A whole answer on the review page without a pointer, in Chromium."""

import json
from typing import TYPE_CHECKING

import pytest

from tests.e2e.browser import page_of
from tests.e2e.reviewing import store, tab_to, told
from tests.feedback.memory import MemoryStore

if TYPE_CHECKING:
    pass

__all__ = ["page_of", "store"]

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(240)]


def test_a_whole_answer_is_given_by_keyboard_alone(page_of, store: MemoryStore) -> None:
    """Nothing is clicked or given the focus here: Tab, arrows, Enter and the keys of the list."""
    (bundle_id,) = {key.split("/")[1] for key in store.objects if key.startswith("reviews/")}
    page = page_of(store)
    page.evaluate(
        "window.pointed = 0; addEventListener('pointerdown', () => { window.pointed += 1; }, true)"
    )
    page.wait_for_selector(".request-link")
    tab_to(page, ".request-link")
    page.keyboard.press("Enter")
    page.wait_for_selector(".rail [data-mark]")
    page.keyboard.press("]")
    page.locator("#class-title", has_text="carrier").wait_for()
    page.wait_for_selector(".slots")

    # A slot, and a candidate beside it.
    page.keyboard.press("ArrowRight")
    page.wait_for_selector('[data-mark="slot 1"][aria-pressed="true"]')
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector('[data-mark="slot 0"][aria-pressed="true"]')
    tab_to(page, ".candidate")
    page.keyboard.press("Enter")
    page.wait_for_selector('.candidate[data-mark="candidate carrier/k03"][aria-pressed="true"]')
    page.keyboard.press("ArrowRight")
    page.wait_for_selector('.candidate[data-mark="candidate carrier/k04"][aria-pressed="true"]')
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector('.candidate[data-mark="candidate carrier/k03"][aria-pressed="true"]')
    page.locator("#put", has_text="k03").wait_for()
    page.keyboard.press("Enter")
    told(page, "1 edit in 1 class")
    # The part that was drawn anew has not lost the focus to the top of the page.
    page.locator(".slot:focus").wait_for()

    # One edge is cut with a reason, another one asserted.
    tab_to(page, '[data-mark="edge 1 2"]')
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="k01 → k02").wait_for()
    page.keyboard.press("x")
    told(page, "2 edits")
    page.locator(".edge-editor textarea").wait_for()
    tab_to(page, ".edge-editor textarea")
    page.keyboard.type("a ship needs no x")
    page.keyboard.press("Escape")
    page.locator(".edge-editor textarea", has_text="a ship needs no x").wait_for()
    tab_to(page, '[data-mark="edge 2 1"]')
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="k02 → k01").wait_for()
    page.keyboard.press("a")
    told(page, "3 edits")
    for key, left in (("u", "2 edits"), ("r", "3 edits"), ("c", "3 edits")):
        page.keyboard.press(key)
        told(page, left)
    page.get_by_text("With your edits").wait_for()
    page.keyboard.press("?")
    page.wait_for_selector("#help-dialog[open]")
    page.keyboard.press("Escape")

    page.keyboard.press("s")
    page.wait_for_selector("#answer-dialog[open]")
    tab_to(page, ".verdict.approve:enabled")
    page.keyboard.press("Enter")
    page.locator("#send:enabled", has_text="Send: approve with 3 edits").wait_for()
    # Marks are not keys here: the comment holds every letter that is one elsewhere.
    tab_to(page, "#answer-dialog textarea")
    page.keyboard.type("extra cars, sea and us?")
    tab_to(page, "#send")
    page.keyboard.press("Enter")
    page.get_by_text("Your answer is handed in").wait_for()
    assert page.evaluate("window.pointed") == 0

    (sent,) = (key for key in store.objects if key.startswith("inbox/"))
    assert sent.startswith(f"inbox/{bundle_id}/ada/page-")
    document = json.loads(store.get(sent))
    assert (document["verdict"], document["comment"]) == ("approve", "extra cars, sea and us?")
    (response,) = document["responses"]
    assert response["class_name"] == "carrier"
    assert response["ops"] == [
        {
            "op": "replace_concept", "slot": 0, "from": "carrier/k00", "to": "carrier/k03",
            "reason": "",
        },
        {"op": "remove_edge", "src": 1, "dst": 2, "reason": "a ship needs no x"},
        {"op": "add_edge", "src": 2, "dst": 1, "bidirectional": False, "reason": ""},
    ]  # fmt: skip
