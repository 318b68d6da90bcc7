"""A follow-up in Chromium: what was said before, a draft that starts from it, and the answer."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.browser import page_of
from tests.feedback.memory import MemoryStore
from tests.review.conftest import CHAMPION, FILES, SINCE, publish_request
from tests.review.follow_ups import EDIT, RIGHT, follow
from tests.saliency_request import FILES as SQUARES
from tests.saliency_request import publish_squares

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["page_of"]

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(240)]
SAID = [
    {
        "reviewer": "bob",
        "verdict": "request_changes",
        "comment": "The sea is no part of a ship.\nLook at the hull of the carrier again, please.",
    },
    {"reviewer": "grace", "verdict": "approve", "comment": ""},
]


def told(page: "Page", text: str) -> None:
    page.locator("#bar", has_text=text).wait_for()


def look(page: "Page", name: str) -> None:
    """Keep a picture to be looked at, where a folder for them is named."""
    folder = os.environ.get("PARLEY_TEST_PICTURES")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def open_follow_up(page: "Page", request_id: str) -> None:
    page.locator(f'a.request-link[href="/requests/{request_id}"]').click()
    page.locator(".follow-banner").wait_for()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def test_a_reviewer_goes_on_from_what_was_said(page_of, store: MemoryStore) -> None:
    first = publish_request(store, author="grace")
    bundle = follow(store, first, FILES, EDIT, RIGHT, said=SAID, conflicts=("Flugzeugträger",))
    page: Page = page_of(store)
    page.locator(".badge", has_text="follow-up 1").wait_for()
    look(page, "inbox")
    open_follow_up(page, bundle.request_id)
    told(page, "4 edits in 1 class")
    page.get_by_text("The sea is no part of a ship.").wait_for()
    look(page, "overview")
    # What is proposed is in the draft from the start, and one step is one class.
    page.locator(".proposals .badge.changed").first.wait_for()
    page.keyboard.press("u")
    page.keyboard.press("u")
    told(page, "No edits yet")
    assert page.locator(".proposals .badge", has_text="taken back").count() == 2
    page.keyboard.press("r")
    page.keyboard.press("r")
    told(page, "4 edits in 1 class")
    page.get_by_role("button", name="Take all back").click()
    told(page, "No edits yet")
    # It outlives the window: what was taken back is not proposed again by itself.
    page.reload()
    told(page, "No edits yet")
    page.get_by_role("button", name="Take all over").click()
    told(page, "4 edits in 1 class")
    page.locator(".proposals").get_by_role("button", name="carrier", exact=True).click()
    page.locator(".proposal-note .badge", has_text="in your draft").wait_for()
    look(page, "class")
    page.get_by_role("button", name="k01 to k03", exact=False).first.click()
    page.get_by_role("heading", name="k01 → k03").wait_for()
    page.locator("#edge-as_shown").click()
    told(page, "3 edits in 1 class")
    page.locator(".proposal-note .badge", has_text="changed by you").wait_for()
    page.get_by_role("button", name="Take over what was proposed of carrier").click()
    told(page, "4 edits in 1 class")
    page.keyboard.press("s")
    page.get_by_role("button", name="Approve with 4 edits").first.click()
    page.locator("#send:enabled").wait_for()
    look(page, "answer")
    page.locator("#send").click()
    page.get_by_text("Your answer is handed in").wait_for()
    (sent,) = (info.key for info in store.list("inbox/"))
    answer = json.loads(store.get(sent))
    assert (answer["request_id"], answer["verdict"]) == (bundle.request_id, "approve")
    assert [one["class_name"] for one in answer["responses"]] == ["carrier", "tank"]
    assert [op["op"] for op in answer["responses"][0]["ops"]] == [
        "replace_concept", "remove_edge", "add_edge", "add_edge",
    ]  # fmt: skip


@pytest.mark.parametrize("width", [1280, 400])
def test_a_delta_review_reads_well_on_wide_and_narrow_windows(
    page_of, store: MemoryStore, width: int
) -> None:
    first = publish_request(store, author="grace")
    bundle = follow(
        store, first, FILES, EDIT, RIGHT, state="STALE", said=SAID[1:], reason="too late",
        base=CHAMPION, since=SINCE,
    )  # fmt: skip
    page: Page = page_of(store, width=width)
    open_follow_up(page, bundle.request_id)
    page.get_by_text("another version had become champion").wait_for()
    page.get_by_text("only tries the promotion once more").wait_for()
    page.get_by_text("is champion; dataset").wait_for()
    look(page, f"stale-{width}")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width


def test_squares_start_from_what_was_marked(page_of, store: MemoryStore) -> None:
    from tests.review.follow_ups import marks

    cells = [{"r": 1, "c": 6, "w": 1.0}, {"r": 0, "c": 6, "w": 1.0}]
    first = publish_squares(store)
    bundle = follow(store, first, SQUARES, marks("ship.png", cells=cells), said=SAID)
    page: Page = page_of(store)
    open_follow_up(page, bundle.request_id)
    told(page, "2 edits in 1 image · 1 of 3 images answered")
    page.locator(".proposals").get_by_role("button", name="ship.png", exact=True).click()
    page.locator(".proposal-note .badge", has_text="in your draft").wait_for()
    look(page, "squares")
    page.get_by_role("button", name="Take back what was proposed of ship.png").click()
    told(page, "No edits yet · 0 of 3 images answered")
