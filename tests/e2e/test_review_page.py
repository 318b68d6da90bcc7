"""The review page in Chromium, as a person uses it, over a store whose every change is seen."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from feedback.bundle import ReviewBundle
from feedback.channels.concept_graph import pack_evidence
from feedback.decision import ReviewState
from feedback.inbox import check_upload, submit
from feedback.preview_queue import PreviewQueue
from feedback.previews import Preview, PreviewedConcept, answer_preview
from feedback.recording import decide_single, record_decision, record_transition
from tests.e2e.browser import page_of
from tests.e2e.reviewing import open_class, replace_first_concept, store, tab_to, told
from tests.feedback.memory import MemoryStore
from tests.review.conftest import CHAMPION, SINCE, publish_proposals, publish_request
from tests.review_request import CUT, make_answer, make_edit, make_evidence

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["page_of", "store"]

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(240)]


def test_a_reviewer_edits_previews_and_answers(page_of, store: MemoryStore) -> None:
    bundle = publish_request(store, author="grace")
    before = dict(store.objects)
    page = page_of(store)
    page.get_by_text("1 request waits for an answer.").wait_for()
    page.get_by_text("by grace").wait_for()
    open_class(page)
    replace_first_concept(page)
    told(page, "1 edit in 1 class")
    page.get_by_role("button", name="k01 to k02", exact=False).first.click()
    page.get_by_role("heading", name="k01 → k02").wait_for()
    page.keyboard.press("x")
    told(page, "2 edits")
    page.get_by_role("button", name="k02 to k01", exact=False).first.click()
    page.get_by_role("heading", name="k02 → k01").wait_for()
    page.keyboard.press("a")
    told(page, "3 edits")
    # Faster than the server answers: nothing of it is lost.
    for keys, left in (("uuu", "No edits yet"), ("rrr", "3 edits")):
        for key in keys:
            page.keyboard.press(key)
        told(page, left)
    page.keyboard.press("u")
    told(page, "2 edits")

    page.keyboard.press("s")
    page.locator("#preview").click()
    page.get_by_text("A worker is asked").wait_for()
    # The answer comes while somebody writes, and takes nothing of it away.
    page.get_by_label("Comment").press_sequentially("the sea")
    ((_, question),) = PreviewQueue(store).waiting(datetime.now(UTC))
    asked = set(store.objects) - set(before)
    assert all(key.startswith(f"inbox/{bundle.request_id}/ada/previews/") for key in asked)
    concept = PreviewedConcept(
        class_name="carrier", slot=0, before="carrier/k00", after="carrier/k03",
        detection_before=0.6, detection_after=0.8,
    )  # fmt: skip
    (key,) = asked
    answer_preview(
        store,
        Preview(
            request_id=question.request_id, bundle_sha256=question.bundle_sha256,
            edits_sha256=Path(key).stem, concepts=(concept,), accuracy_before=0.7,
            accuracy_after=0.9, n_images=30, answered_at=datetime.now(UTC),
        ),
    )  # fmt: skip
    page.get_by_text("right on 70% → 90%").wait_for()
    page.locator("textarea:focus").wait_for()
    assert page.get_by_label("Comment").input_value() == "the sea"

    page.get_by_role("button", name="Approve with 2 edits").first.click()
    page.locator("#send:enabled").wait_for()
    page.get_by_label("Comment").fill("the sea is no part of a ship")
    page.locator("#send").click()
    page.get_by_text("Your answer is handed in").wait_for()
    page.get_by_text("waits to be judged").first.wait_for()

    written = set(store.objects) - set(before) - asked
    (sent,) = {key for key in written if not key.startswith("previews/")}
    assert sent.startswith(f"inbox/{bundle.request_id}/ada/page-")
    assert {key: store.objects[key] for key in before} == before
    checked = check_upload(bundle, store.get(sent), key=sent, reviewer="ada")
    assert checked.document.verdict == "approve"
    assert checked.document.comment == "the sea is no part of a ship"
    ops = json.loads(store.get(sent))["responses"][0]["ops"]
    assert [op["op"] for op in ops] == ["replace_concept", "remove_edge"]


def test_a_draft_survives_closing_the_page(page_of, store: MemoryStore) -> None:
    page = page_of(store)
    open_class(page)
    replace_first_concept(page)
    told(page, "1 edit in 1 class")
    address, context = page.url, page.context
    page.close()
    again = context.new_page()
    again.goto(address)
    told(again, "1 edit in 1 class")
    again.keyboard.press("u")
    told(again, "No edits yet")


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


def test_a_folded_part_stays_open_and_pictures_stay_while_one_edits(
    page_of, store: MemoryStore
) -> None:
    page = page_of(store)
    open_class(page)
    kept = page.locator(".slot img").nth(1).element_handle()
    page.locator("#content").evaluate("main => main.scrollIntoView()")
    replace_first_concept(page)
    assert kept.evaluate("picture => picture.isConnected")
    # A part that can be undone no more gives the focus away, to where keys still work.
    page.locator("#undo").focus()
    page.keyboard.press("Enter")
    told(page, "No edits yet")
    page.locator(".slot:focus").wait_for()
    page.keyboard.press("r")
    told(page, "1 edit")
    page.keyboard.press("s")
    page.get_by_text("As JSON").click()
    page.get_by_role("button", name="Request changes").click()
    page.locator("#send", has_text="Send: request changes").wait_for()
    assert page.locator("#answer-dialog pre").is_visible()


def test_what_is_refused_is_told_and_taken_back(page_of, store: MemoryStore) -> None:
    page = page_of(store)
    open_class(page)
    message = {"kind": "replace", "item": "carrier", "slot": 0, "to": "carrier/k01"}
    page.evaluate("message => window.dash_clientside.parley.send(message)", message)
    page.locator("#notice .refused", has_text="k01").wait_for()
    told(page, "No edits yet")
    first = page.locator("#notice .note").element_handle()
    # The same words again are news again.
    page.evaluate("message => window.dash_clientside.parley.send(message)", message)
    first.wait_for_element_state("hidden")
    page.locator("#notice .refused", has_text="k01").wait_for()
    page.get_by_role("button", name="Right as it is").click()
    page.locator(".rail .badge", has_text="✓").wait_for()
    assert page.locator("#notice .note").count() == 0


def test_nothing_sticks_out_at_400_pixels(page_of, store: MemoryStore) -> None:
    page = page_of(store, width=400)
    open_class(page)
    page.wait_for_selector(".candidate:visible")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize("width", [1280, 400])
def test_what_changed_since_the_champion_is_seen_at_once(page_of, width: int) -> None:
    store = MemoryStore()
    publish_request(store, base=CHAMPION, since=SINCE)
    page = page_of(store, width=width)
    page.locator(".request-link").click()
    page.get_by_text("Version 3 of parley is champion").wait_for()
    assert page.get_by_role("row", name="classes under review 75% 50% −25.0").is_visible()
    assert page.locator(".since img").count() == 3
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Above what else there is to read.
    headings = page.locator("#content h3").all_inner_texts()
    assert headings.index("Since the champion") == 0


def test_text_of_the_bundle_is_never_markup(page_of) -> None:
    store = MemoryStore()
    publish_request(store, notes="<img src=x onerror=alert(1)><b>bold</b>")
    page = page_of(store)
    page.locator(".request-link").click()
    page.get_by_text("<b>bold</b>", exact=False).wait_for()
    assert page.locator(".notes b, .notes img").count() == 0


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


def test_what_an_earlier_review_said_is_taken_over_with_one_click(page_of) -> None:
    store = MemoryStore()
    bundle = publish_proposals(store)
    page: Page = page_of(store)
    page.goto(f"{page.url}requests/{bundle.request_id}")
    page.get_by_role("heading", name="Carried over from earlier reviews").wait_for()
    page.get_by_role("button", name="carrier", exact=True).first.click()
    section = page.get_by_role("region", name="Carried over")
    section.get_by_role("button", name="Take over: k00 → k03").click()
    section.get_by_text("in your answer").wait_for()
    page.get_by_text("was k00").wait_for()
    if folder := os.environ.get("PARLEY_TEST_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/carried_1280.png", full_page=True)
        page.set_viewport_size({"width": 400, "height": 900})
        page.screenshot(path=f"{folder}/carried_400.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    section.get_by_role("button", name="Take back: k00 → k03").click()
    section.get_by_role("button", name="Take over: k00 → k03").wait_for()
    assert list(store.list("inbox/")) == []


def test_a_long_name_is_not_wider_than_a_narrow_window(page_of) -> None:
    store, name = MemoryStore(), "pneumonoultramicroscopicsilicovolcanoconiosis" * 4
    given = make_evidence()
    (first, *others) = given.classes
    named = first.model_copy(update={"class_name": name})
    evidence, items = pack_evidence(given.model_copy(update={"classes": (named, *others)}), {})
    publish_request(store, evidence=evidence, items=items)
    page = page_of(store, width=400)
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    page.wait_for_selector(".request-link")
    assert page.evaluate(wider) == 0
    page.locator(".request-link").click()
    page.wait_for_selector("#class-title")
    assert page.evaluate(wider) == 0
    page.locator(".entry", has_text=name).click()
    page.wait_for_selector(".slots")
    assert page.evaluate(wider) == 0


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
