"""A request on a machine without a network, in Chromium: looked at, answered, checked."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from feedback.bundle import ReviewBundle
from feedback.channel import load_feedback_channel
from feedback.document import FeedbackDocument
from feedback.inbox import check_upload
from feedback.publishing import load_file
from flows.commands.show_review import empty_answer
from review.offline.page import offline_page
from review.panel import load_panel
from review.shown import show
from tests.e2e.browser import CHROMIUM, FLAGS, need_chromium
from tests.feedback.channels.saliency_grid.images import make_marks
from tests.feedback.memory import MemoryStore
from tests.review.conftest import FILES, publish_request
from tests.review.follow_ups import follow
from tests.review_request import CUT, make_edit
from tests.saliency_request import FILES as SQUARES
from tests.saliency_request import publish_squares

if TYPE_CHECKING:
    from playwright.sync_api import Page

EDIT = make_edit(CUT, comment="see the hull")

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def open_folder(tmp_path_factory):
    """Write requests to folders and open their pages; none may ask for anything outside."""
    need_chromium()
    from playwright.sync_api import sync_playwright

    troubles: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)

        def open_page(store: MemoryStore, bundle: ReviewBundle, width: int = 1280) -> "Page":
            folder: Path = tmp_path_factory.mktemp("offline")
            for name in bundle.files:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(load_file(store, bundle, name))
            shown = show(bundle, load_panel(bundle.channel))
            page_bytes = offline_page(shown, empty_answer(bundle).model_dump(mode="json"))
            (folder / "index.html").write_bytes(page_bytes)
            page = browser.new_page(viewport={"width": width, "height": 900})
            page.set_default_timeout(20_000)
            page.on("pageerror", lambda error: troubles.append(str(error)))
            page.on("console", lambda told: troubles.append(told.text))
            root = folder.as_uri()

            def watch(request) -> None:
                if not request.url.startswith((root, "blob:")):
                    troubles.append(request.url)

            page.on("request", watch)
            page.on("requestfailed", lambda request: troubles.append(f"failed {request.url}"))
            page.goto(f"{root}/index.html")
            return page

        yield open_page
        browser.close()
    assert troubles == []


def saved(page: "Page", bundle: ReviewBundle) -> FeedbackDocument:
    """Save the answer, and let the gate judge it."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Save answer.json").click()
    assert download.value.suggested_filename == "answer.json"
    data = Path(download.value.path()).read_bytes()
    return check_upload(bundle, data, reviewer="ada").document


def test_edits_chosen_on_it_become_an_answer(open_folder) -> None:
    store = MemoryStore()
    bundle = publish_request(store)
    page = open_folder(store, bundle)
    page.get_by_label("Replacement in slot 1 of carrier", exact=True).select_option(index=1)
    why = page.get_by_label("Why: Replacement in slot 1 of carrier")
    why.fill("the hull is seen")
    # Nobody is asked why nothing is done.
    unasked = page.get_by_label("Why: Edge k01 to k02 of carrier")
    assert not unasked.is_visible()
    page.get_by_label("Edge k01 to k02 of carrier", exact=True).select_option("remove")
    assert unasked.is_visible()
    page.get_by_label("How sure of carrier").select_option("4")
    page.get_by_label("Anything else about carrier?").fill("the sea")
    page.wait_for_timeout(2500)
    page.get_by_label("Anything else about tank?").fill("turret")
    save = page.get_by_role("button", name="Save answer.json")
    save.click()
    page.get_by_text("Write your name as it is enrolled").wait_for()
    page.get_by_label("Your name").fill("ada")
    save.click()
    page.get_by_text("Choose a verdict").wait_for()
    page.get_by_label("Approve").check()
    page.get_by_label("Comment").fill("better so")
    document = saved(page, bundle)
    (response,) = document.responses
    assert [(op["op"], op.get("reason", "")) for op in response["ops"]] == [
        ("replace_concept", "the hull is seen"),
        ("remove_edge", ""),
    ]
    assert (response["class_name"], response["confidence"]) == ("carrier", 4)
    assert response["comment"] == "the sea"
    assert (document.verdict, document.comment) == ("approve", "better so\ntank: turret")
    # As long as somebody looked, so that a policy that asks for time takes it.
    assert document.seconds_spent >= 2
    assert document.seconds_by_item["carrier"] >= 1
    page.get_by_text("with 1 response.").wait_for()
    again = saved(page, bundle)
    assert again.nonce != document.nonce
    page.get_by_label("Reject").check()
    refused = saved(page, bundle)
    assert (refused.verdict, refused.responses) == ("reject", ())
    assert "carrier: the sea" in refused.comment


def test_a_comment_that_is_too_long_is_refused_not_cut(open_folder) -> None:
    store = MemoryStore()
    bundle = publish_request(store)
    page = open_folder(store, bundle)
    page.get_by_label("Your name").fill("ada")
    page.get_by_label("Reject").check()
    page.get_by_label("Anything else about carrier?").fill("😀" * 200)
    page.get_by_label("Comment").fill("x" * 3800)
    page.get_by_role("button", name="Save answer.json").click()
    page.get_by_text("too long: 4010 characters, 10 too many").wait_for()
    page.get_by_label("Comment").fill("x" * 3790)
    document = saved(page, bundle)
    assert document.comment == "x" * 3790 + "\ncarrier: " + "😀" * 200


def test_a_class_that_is_right_as_it_is_says_so(open_folder) -> None:
    store = MemoryStore()
    bundle = publish_request(store)
    page = open_folder(store, bundle)
    page.get_by_label("Your name").fill("ada")
    page.get_by_label("Approve").check()
    assert saved(page, bundle).responses == ()
    page.locator("article", has=page.get_by_role("heading", name="tank")).first.get_by_label(
        "Right as it is"
    ).check()
    (response,) = saved(page, bundle).responses
    assert (response["class_name"], response["ops"]) == ("tank", [])


def test_squares_turned_on_it_become_an_answer(open_folder) -> None:
    store = MemoryStore()
    bundle = publish_squares(store, allow_important=True)
    page = open_folder(store, bundle)
    image = page.locator("article").first
    squares = image.locator(".square")
    squares.nth(0).click()
    squares.nth(1).click()
    squares.nth(1).click()
    for _ in range(3):
        squares.nth(2).click()
    image.get_by_label("Explanation unclear").check()
    page.get_by_label("Your name").fill("ada")
    page.get_by_label("Approve").check()
    (response,) = saved(page, bundle).responses
    assert [(cell["r"], cell["c"], cell["w"]) for cell in response["cells"]] == [
        (0, 0, 1.0),
        (0, 1, -1.0),
    ]
    assert response["flags"] == ["unclear"]
    assert json.loads(image.get_attribute("data-answer"))["cells"] == []


def test_an_artefact_flags_itself_and_what_excludes_squares_is_told(open_folder) -> None:
    store = MemoryStore()
    bundle = publish_squares(store)
    page = open_folder(store, bundle)
    tank, ship, jet = page.locator("article").all()
    for image in (tank, ship):
        image.get_by_label("What the artefact").select_option("hair")
    # Ticked as well, it is flagged once.
    ship.get_by_label("Artefact", exact=False).first.check()
    jet.locator(".square").first.click()
    jet.get_by_label("Skip").check()
    page.get_by_label("Your name").fill("ada")
    page.get_by_label("Approve").check()
    page.get_by_role("button", name="Save answer.json").click()
    page.get_by_text("'Skip' stands alone").wait_for()
    jet.locator(".square").first.click()
    found = {one["image"]: one for one in saved(page, bundle).responses}
    assert [one["artefact"] for one in found.values()] == ["hair", "hair", None]
    assert [one["flags"] for one in found.values()] == [["artefact"], ["artefact"], ["skip"]]


@pytest.mark.parametrize(
    ("publish", "files", "proposed"),
    [
        (publish_request, FILES, [EDIT, make_edit(class_name="tank")]),
        (publish_squares, SQUARES, [make_marks((0, 6), name="tank.png", comment="the sky")]),
    ],
)  # fmt: skip
def test_a_follow_up_begins_with_what_is_proposed(open_folder, publish, files, proposed) -> None:
    store = MemoryStore()
    bundle = follow(store, publish(store), files, *proposed)
    page = open_folder(store, bundle)
    assert page.get_by_text("Proposed to go on from").is_visible()
    page.get_by_label("Your name").fill("ada")
    page.get_by_label("Approve, with the edits proposed or chosen above").check()
    edit_of = load_feedback_channel(bundle.channel).edit_of

    def answered() -> list[tuple[str, bytes, str]]:
        given = saved(page, bundle).responses
        return [(edit_of(one).target, edit_of(one).content, str(one["comment"])) for one in given]

    wanted = [
        (edit_of(one).target, edit_of(one).content, str(one.get("comment", ""))) for one in proposed
    ]
    # With nothing changed, what is proposed goes on, with its remarks.
    assert answered() == wanted
    boxes = page.get_by_label("As proposed for")
    assert boxes.count() == len(proposed)
    # Own choices do not count meanwhile, and cannot be made.
    article = page.locator("article", has=page.locator("[data-whole]")).first
    own = article.locator("[data-item]:not([data-whole])")
    assert own.count() > 3
    assert all(own.nth(number).is_disabled() for number in range(own.count()))
    assert "your own choices and remark below are switched off" in article.inner_text()
    boxes.first.uncheck()
    assert not any(own.nth(number).is_disabled() for number in range(own.count()))
    assert answered() == wanted[1:]
    for box in boxes.all():
        box.uncheck()
    assert answered() == []
    # What is chosen by hand counts again, until the proposal is taken over after all.
    article.locator("[data-says]").check()
    article.locator("[data-remark]").fill("mine")
    ((target, _, remark),) = answered()
    assert (target, remark) == (wanted[0][0], "mine")
    boxes.first.check()
    assert answered() == wanted[:1]
    page.get_by_label("Reject").check()
    page.get_by_label("Comment").fill("no")
    assert saved(page, bundle).responses == ()


def test_only_what_is_proposed_is_switched_off(open_folder) -> None:
    store = MemoryStore()
    bundle = follow(store, publish_request(store), FILES, EDIT)
    page = open_folder(store, bundle)
    tank = page.locator("article[data-told='tank']")
    assert tank.get_by_label("As proposed").count() == 0
    tank.get_by_label("Right as it is").check()
    page.get_by_label("Your name").fill("ada")
    page.get_by_label("Approve").check()
    assert [one["class_name"] for one in saved(page, bundle).responses] == ["carrier", "tank"]


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("publish", [publish_request, publish_squares])
def test_it_fits_its_window_and_its_pictures_are_there(open_folder, publish, width) -> None:
    store = MemoryStore()
    page = open_folder(store, publish(store), width)
    # Requests of these tests name more pictures than they hold; none of those has an address.
    # decode fails for a picture that cannot be shown.
    page.evaluate(
        """Promise.all([...document.images].filter((one) => one.src).map((one) => {
            one.loading = "eager";
            return one.decode();
        }))"""
    )
    assert page.evaluate("document.images.length") > 2
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") == 0
