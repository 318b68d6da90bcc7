"""A request that was closed, in Chromium: it says so, and takes nothing more."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from feedback.bundle import ReviewBundle
from feedback.decision import ReviewState
from feedback.inbox import check_upload, submit
from feedback.recording import decide_single, record_decision, record_transition
from tests.e2e.browser import page_of
from tests.e2e.reviewing import open_class, replace_first_concept, store, told
from tests.feedback.memory import MemoryStore
from tests.review.conftest import publish_request
from tests.review_request import CUT, make_answer, make_edit

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["page_of", "store"]

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(240)]


def withdraw(store: MemoryStore, bundle: ReviewBundle) -> None:
    record_decision(store, bundle, ReviewState.WITHDRAWN, policy="single")


def expire(store: MemoryStore, bundle: ReviewBundle) -> None:
    record_decision(store, bundle, ReviewState.EXPIRED, policy="single")


def let_go_stale(store: MemoryStore, bundle: ReviewBundle) -> None:
    """Let bob approve, and another network become champion before the run could promote."""
    data = make_answer(bundle, reviewer="bob", responses=[make_edit(CUT)])
    key = submit(store, bundle.request_id, "bob", "nonce-0001", data)
    decide_single(store, bundle, check_upload(bundle, data, key=key, reviewer="bob"))
    record_transition(store, bundle.request_id, ReviewState.STALE, reason="version 4 is champion")


CLOSED = [(withdraw, "withdrawn"), (expire, "expired"), (let_go_stale, "stale")]
TRIES = """() => window.dash_clientside.parley.send([
    {kind: 'replace', item: 'carrier', slot: 0, to: 'carrier/k03'},
    {kind: 'verdict', verdict: 'approve'}, {kind: 'send'},
])"""


def takes_nothing_more(page: "Page", store: MemoryStore, said: str) -> None:
    """Check that the open page of a request says why it is closed, and that nothing gets by it."""
    page.locator(".closed-banner", has_text=said).wait_for()
    page.locator(".closed-banner", has_text="takes nothing more").wait_for()
    page.wait_for_selector("#answer:disabled")
    before = dict(store.objects)
    page.keyboard.press("s")
    # What the page does not offer is refused all the same.
    page.evaluate(TRIES)
    page.locator("#notice .refused", has_text="expected an open request").wait_for()
    page.locator("#notice .refused", has_text=said).wait_for()
    assert page.locator("#answer-dialog[open]").count() == 0
    assert store.objects == before


@pytest.mark.parametrize(("close", "state"), CLOSED)
def test_a_closed_request_says_so_and_takes_nothing_more(
    page_of, store: MemoryStore, close, state: str
) -> None:
    close(store, publish_request(store, author="grace"))
    page = page_of(store)
    page.get_by_text("Nothing waits for an answer.").wait_for()
    page.get_by_text("1 closed request").click()
    page.locator(".request-link .badge", has_text=state).wait_for()
    page.locator(".request-link").click()
    takes_nothing_more(page, store, f"is {state} since")


def test_a_request_whose_time_is_over_says_so_before_anybody_decided(page_of) -> None:
    store = MemoryStore()
    publish_request(store, deadline=datetime.now(UTC) - timedelta(minutes=1))
    page = page_of(store)
    page.get_by_text("Nothing waits for an answer.").wait_for()
    page.get_by_text("1 closed request").click()
    page.locator(".request-link .badge", has_text="expired").wait_for()
    page.locator(".request-link").click()
    takes_nothing_more(page, store, "expired on")


@pytest.mark.parametrize(("close", "state"), CLOSED[1:])
def test_an_answer_to_what_closed_while_it_was_written_is_refused_and_the_draft_stays(
    page_of, store: MemoryStore, close, state: str
) -> None:
    bundle = publish_request(store, author="grace")
    page = page_of(store)
    open_class(page)
    replace_first_concept(page)
    told(page, "1 edit")
    page.keyboard.press("s")
    page.get_by_role("button", name="Approve with 1 edit").first.click()
    page.locator("#send:enabled").wait_for()
    close(store, bundle)
    before = dict(store.objects)
    page.locator("#send").click()
    page.locator("#notice .refused", has_text=f"is {state} since").wait_for()
    # The dialog, which lies above the rest of the page, says so too and offers nothing more.
    page.locator("#answer-dialog .warning", has_text="takes nothing more").wait_for()
    assert page.locator("#send, .verdict").count() == 0
    page.locator(".closed-banner", has_text="takes nothing more").wait_for()
    page.wait_for_selector("#answer:disabled")
    assert store.objects == before
    told(page, "1 edit")


def test_the_inbox_leads_to_pages_of_closed_requests(page_of) -> None:
    store = MemoryStore()
    for number in range(23):
        bundle = publish_request(store, notes=f"number {number}")
        record_decision(store, bundle, ReviewState.WITHDRAWN, policy="single", reason="a test")
    page = page_of(store)
    page.get_by_text("23 closed requests").click()
    page.get_by_role("link", name="18 more").click()
    page.get_by_text("1 to 20 of 23").wait_for()
    assert page.locator(".request").count() == 20
    page.get_by_role("link", name="earlier").click()
    page.get_by_text("21 to 23 of 23").wait_for()
    page.locator(".request-link").last.click()
    page.get_by_text("takes nothing more").first.wait_for()
