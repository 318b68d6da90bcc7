"""What people and processes do in the story of ``make e2e``, in Chromium over the topology."""

import os
import re

import pytest

from feedback.decision import ReviewState
from feedback.exchange import list_requests
from feedback.recording import load_decisions
from tests.e2e.browser import CHROMIUM, FLAGS, need_chromium
from tests.e2e.servers import wait_for
from tests.e2e.topology import HEADER, topology


class Story:
    """What was left when the story had come to its end."""

    def __init__(self, town, run):
        self.town, self.run = town, run
        self.first, self.request = "", ""
        self.seen: list[str] = []
        self.planned: set[str] = set()
        self.effect = ""


@pytest.fixture(scope="module")
def story(tmp_path_factory, shapes_dir):
    need_chromium()
    from playwright.sync_api import sync_playwright

    with topology(tmp_path_factory.mktemp("town"), shapes_dir) as town:
        found = Story(town, town.start_run())
        let_a_run_ask_and_die(found)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
            # What the proxy in front of the page adds to every message.
            context = browser.new_context(extra_http_headers={HEADER: "ada"})
            let_a_person_answer(found, context)
            browser.close()
        yield found


def let_a_run_ask_and_die(story):
    """Kill worker and flow while the run computes; then let it be recovered, and ask."""
    town = story.town
    town.start("worker")
    town.start("page")
    town.start("watcher")
    note = town.folder / "worker" / "running" / f"{story.run}.json"
    wait_for(note.exists, 120, f"the run to start; {town.told('worker')}")
    town.kill("worker")
    assert town.prefect.state(story.run) == "RUNNING"
    env = town.environment("parley-runs", "worker")
    deployments = town.prefect.deployments()
    wait_for(lambda: town.prefect.planned() == set(deployments), 240, "runs by schedule")
    story.planned = town.prefect.planned()
    # What would only take time from the story; a person will ask for the preview.
    for name in ("watch", "preview", "recover"):
        town.prefect.change(name, paused=True)
    assert f"started again: {story.run}" in town.call(("recover",), env)
    town.start("worker")
    town.prefect.wait_for_state(story.run, "PAUSED")


def let_a_person_answer(story, context):
    """Edit in the browser over a page that dies, hand in, and let servers die before it counts."""
    town = story.town
    page = context.new_page()
    page.set_default_timeout(60_000)
    ask_for_changes(story, page)
    page.goto(town.page_url)
    page.get_by_text("1 request waits for an answer.").wait_for()
    page.locator(".badge", has_text="follow-up 1").wait_for()
    story.seen.append(page.content())
    page.locator(".request-link").first.click()
    page.get_by_role("region", name="What was said before").get_by_text("look closer").wait_for()
    edit_a_class(page)
    story.seen.append(page.content())
    address = page.url
    town.kill("page")
    town.start("page")
    town.await_server("page")
    page.goto(address)
    told(page, "3 edits")
    page.keyboard.press("s")
    see_the_effect(story, page)
    # Nobody is there who could judge it, and soon nobody who could wake the run.
    town.kill("watcher")
    town.kill("prefect")
    page.get_by_role("button", name="Approve with 3 edits").first.click()
    page.locator("#send:enabled").wait_for()
    page.get_by_label("Comment").fill("the ground is no part of a shape")
    if town.s3.is_real:
        town.s3.kill()
    page.locator("#send").click()
    page.get_by_text("Your answer is handed in").wait_for()
    story.seen.append(page.content())
    town.start("watcher")
    objects = town.store()
    wait_for(
        lambda: load_decisions(objects, story.request), 60, f"a decision; {town.told('watcher')}"
    )
    wait_for(
        lambda: "could not be woken, trying again" in town.told("watcher"),
        60,
        f"the watcher to miss the server; {town.told('watcher')}",
    )
    town.start("prefect")
    town.await_server("prefect", "/api/health")
    town.prefect.wait_for_state(story.run, "COMPLETED", 600)
    page.reload()
    page.get_by_text("takes nothing more").first.wait_for()
    story.seen.append(page.content())


def ask_for_changes(story, page):
    """Answer so that the run wakes, publishes a follow-up and lets go again."""
    town, objects = story.town, story.town.store()
    page.goto(town.page_url)
    page.get_by_text("1 request waits for an answer.").wait_for()
    story.seen.append(page.content())
    page.locator(".request-link").click()
    told(page, "No edits yet")
    page.keyboard.press("s")
    page.get_by_role("button", name="Request changes").click()
    page.get_by_label("Comment").fill("look closer")
    page.locator("#send:enabled").click()
    page.get_by_text("Your answer is handed in").wait_for()
    (first,) = list_requests(objects)
    story.first = first.request_id

    def follow_ups():
        asked = [request.request_id for request in list_requests(objects, ReviewState.OPEN)]
        return [request_id for request_id in asked if request_id != story.first]

    (story.request,) = wait_for(follow_ups, 300, f"a follow-up; {town.told('worker')}")
    town.prefect.wait_for_state(story.run, "PAUSED")


def see_the_effect(story, page):
    """Ask what the edits would do; the deployed worker finds it out and tells by the store."""
    town = story.town
    page.locator("#preview").click()
    page.get_by_text("A worker is asked").wait_for()
    town.prefect.change("preview", paused=False)
    town.prefect.start("preview")
    # A process of its own must come up, and a quick reasoner be fitted.
    page.locator(".preview-accuracy", has_text="right on").wait_for(timeout=240_000)
    assert page.locator(".preview-accuracy ~ ul li").count() >= 1
    story.effect = page.locator(".preview-accuracy").inner_text()
    story.seen.append(page.content())
    if folder := os.environ.get("PARLEY_TEST_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/story_effect.png")
    town.prefect.change("preview", paused=True)


def edit_a_class(page):
    """Replace a concept, remove an edge, undo that, make it again, add another edge."""
    page.locator("[data-mark^='item ']").first.click()
    page.wait_for_selector(".slots")
    page.get_by_role("button", name=re.compile("^Slot 1: ")).click()
    page.locator(".candidate:visible:enabled").first.click()
    page.locator("#put").click()
    told(page, "1 edit")
    edges = page.locator("table.edges td button")
    edges.first.click()
    page.wait_for_selector("#edge-removed")
    for key, left in (("x", "2 edits"), ("u", "1 edit"), ("r", "2 edits")):
        page.keyboard.press(key)
        told(page, left)
    before = page.locator(".edge-editor h4").inner_text()
    edges.last.click()
    page.locator(".edge-editor h4", has_not_text=before).wait_for()
    # What is added is taken back and made again too, and stays in the answer.
    for key, left in (("a", "3 edits"), ("u", "2 edits"), ("r", "3 edits")):
        page.keyboard.press(key)
        told(page, left)


def told(page, text):
    page.locator("#bar", has_text=text).wait_for()
