"""The whole on loopback: a run asks, a person answers, the candidate is promoted, while things die.

``make e2e``. Everything that ``infra/`` describes runs as a process of its own, each kind of it as
its own user of the object storage, and every one of them is killed once.
"""

import json
from pathlib import Path

import pytest

from feedback import layout
from feedback.decision import ReviewState
from feedback.exchange import list_requests
from feedback.moves import list_moves
from feedback.publishing import load_bundle
from feedback.recording import load_decisions
from tests.e2e.gateway import BUCKET, MLFLOW_BUCKET
from tests.e2e.promises import differing
from tests.e2e.servers import children_of, wait_for
from tests.e2e.story import story
from tests.pickles import unpacked

__all__ = ["story"]

pytestmark = [
    pytest.mark.e2e, pytest.mark.slow, pytest.mark.topology, pytest.mark.timeout(2400)
]  # fmt: skip


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
    champion = story.town.champion()
    assert champion["version"] == report["model"]["version"]
    moves = list_moves(objects, "parley")
    assert differing(moves, story.town.aliases()) == []
    assert len(differing(moves, {"champion": moves[-1].previous or ""})) == 2
    tags = {tag["key"]: tag["value"] for tag in champion["tags"]}
    # Where it comes from can be proved later: by the digest of the approval that lies in the store.
    assert tags["review.request_id"] == story.request
    assert tags["review.decision_sha256"] == decisions[0].digest
    assert tags["review.reviewers"] == "ada"
    assert tags["review.edits"] == "3"
    assert tags["dvc.md5"] == load_bundle(objects, story.request).dataset.md5
    assert not list(objects.list(layout.WAITING))


def test_a_call_for_changes_was_followed_up_by_the_run_that_asked(story):
    objects = story.town.store()
    (decision,) = load_decisions(objects, story.first)
    assert decision.state is ReviewState.CHANGES_REQUESTED
    follows = load_bundle(objects, story.request).follows
    assert (follows.number, follows.request_id) == (1, story.first)
    assert [(voice.reviewer, voice.comment) for voice in follows.said] == [("ada", "look closer")]
    assert {one.request_id for one in list_requests(objects)} == {story.first, story.request}


def test_each_answer_made_one_decision_and_nothing_was_refused(story):
    objects = story.town.store()
    uploads = [info.key for info in objects.list(layout.INBOX)]
    assert len([key for key in uploads if "/previews/" not in key]) == 2
    assert len(objects.list(layout.ACCEPTED)) == 2
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
