"""The whole on loopback: a run asks, a person answers, the candidate is promoted, while things die.

``make e2e``. Everything that ``infra/`` describes runs as a process of its own, each kind of it as
its own user of the object storage, and every one of them is killed once.
"""

import json
import os
import re
from pathlib import Path

import httpx
import pytest

from feedback import layout
from feedback.decision import ReviewState
from feedback.recording import load_decisions
from tests.e2e.browser import CHROMIUM, FLAGS, need_chromium
from tests.e2e.gateway import BUCKET, MLFLOW_BUCKET
from tests.e2e.servers import children_of, wait_for
from tests.e2e.topology import HEADER, topology
from tests.pickles import unpacked

pytestmark = [
    pytest.mark.e2e, pytest.mark.slow, pytest.mark.topology, pytest.mark.timeout(2400)
]  # fmt: skip


class Story:
    """What was left when the story had come to its end."""

    def __init__(self, town, run):
        self.town, self.run = town, run
        self.request = ""
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
    page.goto(town.page_url)
    page.get_by_text("1 request waits for an answer.").wait_for()
    story.seen.append(page.content())
    page.locator(".request-link").click()
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
    wait_for(lambda: objects.list(layout.DECISIONS), 60, f"a decision; {town.told('watcher')}")
    (decided,) = objects.list(layout.DECISIONS)
    story.request = layout.request_of(decided.key)
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


def test_the_candidate_is_promoted_by_the_decision_of_the_person(story):
    objects = story.town.store()
    decisions = load_decisions(objects, story.request)
    assert [decision.state for decision in decisions] == [
        ReviewState.APPROVED, ReviewState.PROMOTED
    ]  # fmt: skip
    (response,) = decisions[0].responses
    assert response.document.reviewer == "ada"
    assert response.signature is not None
    (edit,) = response.document.responses
    assert [op["op"] for op in edit["ops"]] == ["replace_concept", "remove_edge", "add_edge"]
    report = json.loads(objects.get(f"runs/{story.run}/report.json"))
    assert report["request"] == story.request
    town = story.town
    champion = httpx.get(
        f"{town._url('mlflow')}/api/2.0/mlflow/registered-models/alias",
        params={"name": "parley", "alias": "champion"},
        auth=("parley", town.secrets["mlflow"]), timeout=60,
    ).json()["model_version"]  # fmt: skip
    assert champion["version"] == report["model"]["version"]
    tags = {tag["key"]: tag["value"] for tag in champion["tags"]}
    assert tags["review.request_id"] == story.request
    assert not list(objects.list(layout.WAITING))


def test_one_answer_made_one_decision_and_nothing_was_refused(story):
    objects = story.town.store()
    uploads = [info.key for info in objects.list(layout.INBOX)]
    assert len([key for key in uploads if "/previews/" not in key]) == 1
    assert len(objects.list(layout.ACCEPTED)) == 1
    assert not objects.list(layout.REJECTIONS)
    assert len(objects.list("promotions/parley/")) == 4
    note = story.town.folder / "worker" / "running" / f"{story.run}.json"
    assert not note.exists()


def test_the_effect_that_the_person_saw_was_found_by_a_worker(story):
    objects = story.town.store()
    (question,) = [i.key for i in objects.list(layout.INBOX) if "/previews/" in i.key]
    asked = layout.parse_preview_key(question)
    answer = json.loads(objects.get(layout.preview_answer_key(story.request, asked[1])))
    assert answer["failed"] == ""
    assert len(answer["concepts"]) == 1
    for moment in ("before", "after"):
        assert f"{100 * answer[f'accuracy_{moment}']:.0f}%" in story.effect


def test_the_audit_log_holds_and_does_not_after_one_byte_was_changed(story):
    town = story.town
    # A run's key writes to the log, so it is what a forger would need.
    objects = town.store("parley-runs")
    reader = town.environment("parley-operator", "operator")
    assert "unbroken" in town.call(("audit", "verify"), reader)
    key = next(i.key for i in objects.list(layout.AUDIT) if i.key != layout.AUDIT_START)
    data = objects.get(key)
    place = data.index(b'"summary"') + 13
    objects.put(key, data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    try:
        assert key in town.call(("audit", "verify"), reader, code=1)
    finally:
        objects.put(key, data)
    assert "unbroken" in town.call(("audit", "verify"), reader)


def test_no_secret_is_in_any_log_page_object_database_or_home(story):
    town, read = story.town, 0
    # Longer than any word, so that a hit is the secret and not a likeness.
    needles = {name: secret.encode() for name, secret in town.secrets.items()}
    assert all(len(needle) >= 32 for needle in needles.values())
    for name, data in traces(story):
        for inner, content in unpacked(name, data):
            read += 1
            assert not [what for what, secret in needles.items() if secret in content], inner
    assert read > 200


def traces(story):
    """Yield everything that is left: files, rows of databases, objects, what the page showed."""
    town = story.town
    where_they_belong = {town.folder / "mlflow-auth.ini", town.folder / "page.key"}
    for path in sorted(town.folder.rglob("*")):
        is_servers_own = town.folder / "s3" / "ceph" in path.parents
        if path.is_file() and path not in where_they_belong and not is_servers_own:
            yield str(path.relative_to(town.folder)), path.read_bytes()
    for path in (town.folder / "s3" / "ceph").glob("*.log"):
        yield path.name, path.read_bytes()
    for database in ("prefect", "mlflow", "mlflow_auth"):
        yield database, town.database.dump(database)
    for number, content in enumerate(story.seen):
        yield f"page {number}", content.encode()
    for bucket, reader in ((BUCKET, "parley-operator"), (MLFLOW_BUCKET, "parley-mlflow")):
        client = town.s3.client(reader)
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        for entry in (entry for page in pages for entry in page.get("Contents", ())):
            body = client.get_object(Bucket=bucket, Key=entry["Key"])["Body"]
            yield f"{bucket}/{entry['Key']}", body.read()
        client.close()


def test_the_schedules_of_the_deployments_make_runs(story):
    assert story.planned == {"retrain", "watch", "preview", "recover"}


def test_what_was_killed_left_no_process_behind(story):
    worker = story.town._running["worker"][0].pid
    wait_for(lambda: not children_of(worker), 30, "the flow's process to end")
    assert Path(f"/proc/{worker}").exists()
