"""A request of squares in Chromium, as a person answers it by mouse, by keyboard and on a phone."""

import json
import os
from typing import TYPE_CHECKING

import pytest

from feedback.channels.saliency_grid import Grid, ShownCell, read_marks
from feedback.inbox import check_upload
from tests.e2e.browser import page_of
from tests.feedback.channels.saliency_grid.images import DIGESTS, make_image
from tests.feedback.memory import MemoryStore
from tests.saliency_request import JET, SHIP, TANK, publish_squares

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

__all__ = ["page_of"]

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(240)]


def told(page: "Page", text: str) -> None:
    page.locator("#bar", has_text=text).wait_for()


def square(page: "Page", row: int, column: int) -> "Locator":
    return page.get_by_role("button", name=f"row {row} column {column}").first


def focused(page: "Page", name: str) -> None:
    page.locator(f":focus[aria-label='{name}']").wait_for()


def veiled(page: "Page", opacity: str) -> None:
    """Wait until the overlay is as strong; the page's policy forbids Playwright's own polling."""
    found = ""
    for _ in range(100):
        found = page.locator(".stage .veil").evaluate("veil => getComputedStyle(veil).opacity")
        if found == opacity:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"expected {opacity} (got {found})")


def opened(page: "Page") -> None:
    """Come from the inbox to the first image."""
    page.get_by_text("3 images after 2 epochs").click()
    page.get_by_role("heading", name="Where the network looks").wait_for()
    page.keyboard.press("n")
    page.get_by_role("heading", name="tank.png").wait_for()


def answered(page: "Page", store: MemoryStore, name: str) -> str:
    page.keyboard.press("s")
    page.get_by_role("button", name=name).first.click()
    page.locator("#send:enabled").click()
    page.get_by_text("Your answer is handed in").wait_for()
    (sent,) = (info.key for info in store.list("inbox/"))
    return sent


@pytest.mark.parametrize("width", [1280, 400])
def test_a_reviewer_marks_flags_undoes_reloads_and_answers(page_of, width: int) -> None:
    store = MemoryStore()
    bundle = publish_squares(store)
    page: Page = page_of(store, width=width)
    opened(page)
    square(page, 1, 7).click()
    square(page, 2, 7).click()
    # Shown at once, with what a screen reader says; settled by the server afterwards.
    marked = page.locator('[data-state="marked as irrelevant"]')
    names = ["row 1 column 7, rank 1", "row 2 column 7, rank 2"]
    for name in names:
        page.get_by_role("button", name=f"{name}, marked as irrelevant").wait_for()
    told(page, "2 edits in 1 image" if width > 820 else "2 edits")
    # A square that was not shown, then by the key of its rank one that was.
    square(page, 7, 1).click()
    page.keyboard.press("3")
    told(page, "4 edits")
    page.keyboard.press("u")
    told(page, "3 edits")
    page.locator('.square[title^="row 4 column 4"][aria-pressed="false"]').wait_for()
    assert marked.count() == 3

    page.keyboard.press("n")
    page.get_by_role("heading", name="ship.png").wait_for()
    page.locator(".square[tabindex='0'][aria-pressed='false']").wait_for()
    assert marked.count() == 0
    page.keyboard.press("l")
    told(page, "2 of 3 images answered")
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    page.reload()
    told(page, "4 edits")
    told(page, "2 of 3 images answered")
    page.keyboard.press("n")
    page.get_by_role("heading", name="jet.png").wait_for()
    page.get_by_role("button", name="Looks where it should").click()
    told(page, "3 of 3 images answered")
    page.get_by_role("button", name="Overview").click()
    # The overview tells how each image stands.
    thumbnail = page.locator(f'.thumbnail[data-mark="item {TANK}"]')
    page.locator(f'.thumbnail[data-mark="item {JET}"][data-state="✓"]').wait_for()
    assert thumbnail.get_attribute("data-state") == "3"
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    sent = answered(page, store, "Approve with 4 edits")
    document = check_upload(bundle, store.get(sent), key=sent, reviewer="ada").document
    found = {one.image: one for one in read_marks(document.responses)}
    assert set(found) == set(DIGESTS.values())
    assert [(cell.r, cell.c, cell.w) for cell in found[TANK].cells] == [
        (0, 6, 1.0), (1, 6, 1.0), (6, 0, 1.0),
    ]  # fmt: skip
    assert (found[SHIP].flags, found[SHIP].cells) == (("label_suspect",), ())
    assert (found[JET].flags, found[JET].cells) == ((), ())
    # The browser measured how long each image was looked at.
    assert all(one.seconds_spent is not None for one in found.values())


def test_time_in_a_hidden_tab_is_not_time_spent_on_an_image(page_of) -> None:
    store = MemoryStore()
    bundle = publish_squares(store)
    page: Page = page_of(store)
    page.clock.install()
    opened(page)
    hide = """hidden => {
        Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    page.clock.fast_forward(250_000)
    page.evaluate(hide, False)
    square(page, 1, 7).click()
    told(page, "1 edit in 1 image")
    sent = answered(page, store, "Approve with 1 edit")
    document = check_upload(bundle, store.get(sent), key=sent, reviewer="ada").document
    (marks,) = read_marks(document.responses)
    assert marks.seconds_spent is not None
    assert 0 < marks.seconds_spent < 250


def test_an_image_is_answered_by_keyboard_alone(page_of) -> None:
    store = MemoryStore()
    publish_squares(store, allow_important=True)
    page: Page = page_of(store)
    opened(page)
    # From anywhere an arrow leads to the first square, and on from there; nothing is marked by it.
    page.locator("body").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    page.locator(":focus[title='row 1 column 6']").wait_for()
    told(page, "No edits yet")
    page.keyboard.press("Space")
    told(page, "1 edit")
    focused(page, "row 1 column 6, marked as irrelevant")
    # The focus is seen.
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Space")
    told(page, "2 edits")
    focused(page, "row 2 column 6, marked as important")
    # Faster than the server answers: once round, and two states on.
    for _ in range(5):
        page.keyboard.press("Space")
    told(page, "2 edits")
    focused(page, "row 2 column 6, marked as irrelevant")
    page.wait_for_timeout(300)
    focused(page, "row 2 column 6, marked as irrelevant")
    # Tab leaves the squares at once, and comes back to the one that had the focus.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.cells') === null")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.title") == "row 2 column 6"

    page.keyboard.press("a")
    page.get_by_label("or in your words").fill("a ruler")
    page.keyboard.press("Escape")
    told(page, "3 edits")
    page.keyboard.press("k")
    told(page, "No edits yet · 1 of 3 images answered")
    page.keyboard.press("u")
    told(page, "3 edits")
    sent = answered(page, store, "Approve with 3 edits")
    (response,) = json.loads(store.get(sent))["responses"]
    assert (response["flags"], response["artefact"]) == (["artefact"], "a ruler")
    assert [(cell["r"], cell["c"], cell["w"]) for cell in response["cells"]] == [
        (0, 5, 1), (1, 5, 1),
    ]  # fmt: skip


def test_the_overlay_stays_as_strong_as_it_was_chosen(page_of) -> None:
    store = MemoryStore()
    publish_squares(store)
    page: Page = page_of(store)
    opened(page)
    veiled(page, "0.6")
    page.get_by_label("Overlay").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    veiled(page, "0.7")
    told(page, "No edits yet")
    # The keys of the page go on where the slider has the focus.
    page.keyboard.press("n")
    page.get_by_role("heading", name="ship.png").wait_for()
    veiled(page, "0.7")
    page.keyboard.press("o")
    veiled(page, "0")
    assert page.get_by_role("button", name="Image only").get_attribute("aria-pressed") == "true"
    page.keyboard.press("o")
    page.get_by_role("button", name="Overview").click()
    page.get_by_role("heading", name="Where the network looks").wait_for()
    page.reload()
    told(page, "No edits yet")
    page.keyboard.press("n")
    page.wait_for_selector(".stage")
    veiled(page, "0.7")
    assert page.get_by_label("Overlay").input_value() == "70"


def test_fine_squares_are_hit_on_a_phone(page_of) -> None:
    store = MemoryStore()
    shown = tuple(ShownCell(r=r, c=27 - r, score=0.5) for r in range(10))
    images = tuple(make_image(name, shown=shown) for name in DIGESTS)
    bundle = publish_squares(store, grid=Grid(g=28, h=224, w=224), images=images)
    page: Page = page_of(store, width=400)
    opened(page)
    stage = page.locator(".stage")
    # The image fills the width, and squares fill the image: a tap between two hits one of them.
    width = stage.evaluate("stage => stage.offsetWidth")
    assert width > 360
    for x, y in ((0.5, 13.5), (27.5, 0.5), (14.0, 27.9)):
        stage.click(position={"x": x / 28 * width, "y": y / 28 * width})
    told(page, "3 edits")
    page.keyboard.press("z")
    page.locator("[data-switch='zoom'][aria-pressed='true']").wait_for()
    assert page.evaluate("document.querySelector('.square').offsetWidth") >= 24
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    if folder := os.environ.get("PARLEY_TEST_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/squares_400.png", full_page=True)
    sent = answered(page, store, "Approve with 3 edits")
    checked = check_upload(bundle, store.get(sent), key=sent, reviewer="ada")
    (marks,) = read_marks(checked.document.responses)
    assert [(cell.r, cell.c) for cell in marks.cells][:2] == [(0, 27), (13, 0)]
    assert marks.cells[2].r == 27
    assert marks.cells[2].c in (13, 14)
