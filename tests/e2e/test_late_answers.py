"""The review page when an answer of its server comes late, or never, while somebody goes on."""

from typing import TYPE_CHECKING

import pytest

from tests.e2e.browser import page_of
from tests.e2e.reviewing import open_class, replace_first_concept, store, told
from tests.feedback.memory import MemoryStore
from tests.review.conftest import publish_request

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["page_of", "store"]

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(240)]


class Late:
    """The answer to the first message of a kind comes when it is let go, though it is computed."""

    def __init__(self, page: "Page", kind: str) -> None:
        self.page, self.kind, self.held = page, kind, []
        page.route("**/_dash-update-component*", self)

    def __call__(self, route) -> None:
        said = (route.request.post_data or "").replace(" ", "")
        if not self.held and f'"kind":"{self.kind}"' in said:
            self.held.append((route, route.fetch()))
        else:
            route.continue_()

    def come(self) -> None:
        ((route, response),) = self.held
        with self.page.expect_response("**/_dash-update-component*"):
            route.fulfill(response=response)


def test_what_was_done_while_no_answer_comes_is_done_once(page_of, store: MemoryStore) -> None:
    page = page_of(store)
    open_class(page)
    late = Late(page, "edge")
    page.get_by_role("button", name="k01 to k02", exact=False).first.click()
    page.get_by_role("heading", name="k01 → k02").wait_for()
    page.keyboard.press("x")
    # Something else is done while the first answer is still to come.
    page.get_by_role("button", name="k02 to k01", exact=False).first.click()
    page.get_by_role("heading", name="k02 → k01").wait_for()
    told(page, "1 edit in 1 class")
    page.keyboard.press("x")
    told(page, "2 edits in 1 class")
    # It changes nothing any more, not in the drawing either.
    late.come()
    page.keyboard.press("u")
    told(page, "1 edit in 1 class")
    page.keyboard.press("u")
    told(page, "No edits yet")


def test_what_was_done_on_a_page_that_is_left_is_not_done_to_another(
    page_of, store: MemoryStore
) -> None:
    publish_request(store, author="grace", notes="another one")
    page = page_of(store)
    page.locator(".request-link").first.click()
    page.wait_for_selector("#bar")
    first = page.url
    page.get_by_role("link", name="Inbox").first.click()
    page.locator(".request-link").nth(1).click()
    page.wait_for_url(lambda url: url != first and "/requests/" in url)
    page.wait_for_selector("#bar")
    page.get_by_role("button", name="carrier").first.click()
    page.wait_for_selector(".slots")
    replace_first_concept(page)
    told(page, "1 edit in 1 class")
    second = page.url
    late = Late(page, "edge")
    page.get_by_role("button", name="k01 to k02", exact=False).first.click()
    page.get_by_role("heading", name="k01 → k02").wait_for()
    page.keyboard.press("x")
    page.wait_for_timeout(500)
    page.evaluate("history.go(-2)")
    page.wait_for_url(first)
    page.wait_for_timeout(10_000)
    late.come()
    page.goto(second)
    told(page, "1 edit in 1 class")


def test_an_answer_that_is_handed_in_slowly_is_handed_in_once(page_of, store: MemoryStore) -> None:
    bundle = publish_request(store, author="grace")
    page = page_of(store)
    open_class(page)
    late = Late(page, "send")
    page.keyboard.press("s")
    page.get_by_role("button", name="Approve").first.click()
    page.locator("#send:enabled").wait_for()
    page.locator("#send").click()
    page.wait_for_timeout(9_000)
    late.come()
    page.get_by_text("Your answer is handed in").wait_for()
    sent = [key for key in store.objects if key.startswith(f"inbox/{bundle.request_id}/ada/page-")]
    assert len(sent) == 1
