"""What a person does on the page of a request, in Chromium."""

from typing import TYPE_CHECKING

import pytest

from tests.feedback.memory import MemoryStore
from tests.review.conftest import publish_request

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def store() -> MemoryStore:
    """Return a store with one request of grace's."""
    store = MemoryStore()
    publish_request(store, author="grace")
    return store


def open_class(page: "Page", name: str = "carrier") -> None:
    page.locator(".request-link").click()
    page.get_by_role("button", name=name).first.click()
    page.wait_for_selector(".slots")


def replace_first_concept(page: "Page") -> None:
    page.get_by_role("button", name="Slot 1: carrier/k00").click()
    page.get_by_role("button", name="Candidate carrier/k03").click()
    page.locator("#put").click()
    page.wait_for_selector(".slot.edited")


def tab_to(page: "Page", selector: str, *, most: int = 150) -> None:
    """Press Tab until the focus is at an element, as somebody without a mouse does."""
    for _ in range(most):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {selector}")


def told(page: "Page", text: str) -> None:
    page.locator("#bar", has_text=text).wait_for()
