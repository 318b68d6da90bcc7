"""A second channel on the review page in Chromium, beside the first."""

import json
from typing import TYPE_CHECKING

import pytest

from tests.e2e.browser import page_of
from tests.feedback.memory import MemoryStore
from tests.review.conftest import publish_request
from tests.toy_channel import add_toy, publish_tiles

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["add_toy", "page_of"]

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(240)]


def told(page: "Page", text: str) -> None:
    page.locator("#bar", has_text=text).wait_for()


def test_a_channel_that_was_added_by_files_is_answered_by_keyboard(add_toy, page_of) -> None:
    add_toy()
    store = MemoryStore()
    publish_request(store)
    bundle = publish_tiles(store)
    page: Page = page_of(store)
    page.goto(f"{page.url}requests/{bundle.request_id}")
    told(page, "No edits yet · 0 of 3 images answered")
    page.keyboard.press("n")
    page.get_by_role("heading", name="picture 2").wait_for()
    page.get_by_role("button", name="1/1").focus()
    # Within the grid arrows move the focus alone; at its border it stays.
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowDown"):
        page.keyboard.press(key)
    page.locator(":focus", has_text="2/1").wait_for()
    told(page, "No edits yet")
    page.keyboard.press("Enter")
    told(page, "1 edit in 1 image · 1 of 3 images answered")
    page.wait_for_selector('[data-mark="cell 1 0"][aria-pressed="true"]')
    page.locator(":focus", has_text="2/1").wait_for()
    page.keyboard.press("n")
    page.get_by_role("heading", name="picture 1").wait_for()
    assert page.locator('[data-mark="cell 1 0"]').get_attribute("aria-pressed") == "false"
    page.keyboard.press("x")
    told(page, "2 edits in 2 images")
    page.keyboard.press("[")
    page.get_by_role("heading", name="picture 2").wait_for()
    page.keyboard.press("u")
    told(page, "1 edit in 1 image")
    page.keyboard.press("s")
    page.get_by_role("button", name="Approve with 1 edit").first.click()
    page.locator("#send:enabled").click()
    page.get_by_text("Your answer is handed in").wait_for()
    (sent,) = (info.key for info in store.list("inbox/"))
    responses = json.loads(store.get(sent))["responses"]
    assert responses == [
        {"type": "tile_marks", "image": "p2", "cells": [[1, 0]], "unusable": False}
    ]
    # The other channel's page is next door, and its messages and drawings are its own.
    page.get_by_role("link", name="Inbox").click()
    page.get_by_text("2 requests wait for an answer.").wait_for()
    page.get_by_role("link", name="carrier").click()
    page.get_by_role("button", name="carrier").first.click()
    page.wait_for_selector(".slots")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector('[data-mark="slot 1"][aria-pressed="true"]')
    page.get_by_role("button", name="Right as it is").click()
    page.locator(".rail .badge", has_text="✓").wait_for()
