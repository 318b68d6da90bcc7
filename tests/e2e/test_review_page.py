"""The review page in Chromium, as a person uses it, over a store whose every change is seen."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from feedback.channels.concept_graph import pack_evidence
from feedback.inbox import check_upload
from feedback.preview_queue import PreviewQueue
from feedback.previews import Preview, PreviewedConcept, answer_preview
from tests.e2e.browser import page_of
from tests.e2e.reviewing import open_class, replace_first_concept, store, told
from tests.feedback.memory import MemoryStore
from tests.review.conftest import CHAMPION, SINCE, publish_proposals, publish_request
from tests.review_request import make_evidence

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


def test_a_draft_survives_closing_the_browser(page_of, store: MemoryStore) -> None:
    page = page_of(store)
    open_class(page)
    replace_first_concept(page)
    told(page, "1 edit in 1 class")
    address, browser = page.url, page.context.browser
    # What a browser keeps on its disk; what lives as long as a window is not among it.
    kept = page.context.storage_state()
    page.context.close()
    again = browser.new_context(storage_state=kept).new_page()
    again.goto(address)
    told(again, "1 edit in 1 class")
    again.keyboard.press("u")
    told(again, "No edits yet")


def test_a_second_answer_takes_the_place_of_the_first(page_of, store: MemoryStore) -> None:
    page = page_of(store)
    open_class(page)
    for verdict in ("Reject", "Approve as it is"):
        page.keyboard.press("s")
        page.get_by_role("button", name=verdict).first.click()
        if verdict == "Reject":
            page.get_by_label("Comment").fill("too many edges")
        else:
            page.get_by_text("takes the place of the earlier one (1 so far)").wait_for()
        page.locator("#send:enabled").click()
        page.get_by_text("Your answer is handed in").wait_for()
        page.get_by_text("Another one takes its place while the request is open.").wait_for()
    # Both are there to be judged; the gate counts the later one of a person.
    sent = [json.loads(store.get(info.key)) for info in store.list("inbox/")]
    assert {one["reviewer"] for one in sent} == {"ada"}
    sent.sort(key=lambda one: one["created_at"])
    assert [one["verdict"] for one in sent] == ["reject", "approve"]
    assert sent[0]["nonce"] != sent[1]["nonce"]


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
