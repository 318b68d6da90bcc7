"""The whole loop on a dataset of shapes: what other answers, and none yet, make of a run."""

import threading
import time

import pytest

from feedback.channels.concept_graph import read_evidence
from feedback.errors import BundleMismatchError
from feedback.recording import load_decisions, record_transition
from feedback.states import ReviewState
from flows.context import ReviewListener
from models.report import RunReport
from tasks.exchange import submit_feedback
from tasks.settings import Settings
from tasks.tracking_store import count_runs
from tasks.workplace import open_workplace
from tests.flows.runs import computed, run, tracker_of
from tests.review_request import make_answer, make_edit

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]
AFTER_REVIEW = {"edit_graphs", "fit_teacher", "distil", "compare_arms", "show_correction"}


def test_another_answer_recomputes_only_what_follows_the_review(
    asked_anew, first, shapes_dir, tmp_path
):
    (tmp_path / "answer.json").write_bytes(make_answer(first.request))
    report, _ = run(asked_anew, shapes_dir, review__reviewer=f"file:{tmp_path / 'answer.json'}")
    assert report["request"] == first.report["request"]
    assert report["edits"] == []
    assert set(computed(report)) <= AFTER_REVIEW
    arms = report["arms"]
    assert arms["edited_graph"] == arms["unmodified_graph"]


def test_a_run_whose_correction_was_promoted_comes_to_the_same_end_again(
    asked_anew, first, shapes_dir, tmp_path
):
    shown = read_evidence(first.request).classes[0].model_dump(mode="json")
    other = next(
        card["concept_id"]
        for card in shown["candidates"]
        if card["class_name"] == shown["class_name"] and card["concept_id"] not in shown["slots"]
    )
    op = {"op": "replace_concept", "slot": 0, "from": shown["slots"][0], "to": other}
    edit = make_edit(op, class_name=shown["class_name"], base_cscg=shown["base_cscg"])
    (tmp_path / "edit.json").write_bytes(make_answer(first.request, responses=[edit]))
    asked = {"review__reviewer": f"file:{tmp_path / 'edit.json'}"}
    report, workplace = run(asked_anew, shapes_dir, **asked)
    assert len(report["edits"]) == 1
    record_transition(workplace.objects, report["request"], ReviewState.PROMOTED)
    again, _ = run(asked_anew, shapes_dir, run_id="again", **asked)
    assert computed(again) == []
    for part in ("arms", "paired", "edits", "decision", "request"):
        assert again[part] == report[part]
    # Another student of the same approval names who approved, and the decision in which they did.
    other, _ = run(asked_anew, shapes_dir, run_id="other", **asked, distillation__epochs="2")
    assert other["model"]["version"] != report["model"]["version"]
    approval, _ = load_decisions(workplace.objects, report["request"])
    client = tracker_of(other, workplace).client
    told = [client.get_model_version("parley", one["model"]["version"]) for one in (report, other)]
    for version in told:
        assert version.tags["review.decision_sha256"] == approval.digest
        assert (version.tags["review.reviewers"], version.tags["review.edits"]) == ("ada", "1")
    assert client.get_run(other["tracking"]["run"]).data.tags["review.reviewers"] == "ada"


def test_a_rejection_ends_the_run_without_a_version(asked_anew, first, shapes_dir, tmp_path):
    (tmp_path / "no.json").write_bytes(
        make_answer(first.request, verdict="reject", comment="all sea")
    )
    report, workplace = run(asked_anew, shapes_dir, review__reviewer=f"file:{tmp_path / 'no.json'}")
    assert not report["decision"]["promote"]
    assert report["decision"]["reasons"] == ["the review ended REJECTED: all sea"]
    assert (report["model"], report["arms"]) == (None, None)
    assert RunReport.model_validate(report, strict=False)
    assert tracker_of(report, workplace).client.search_registered_models() == []
    assert computed(report) == []


@pytest.mark.timeout(90)
def test_people_answer_while_the_run_waits(asked_anew, shapes_dir):
    published, waited = threading.Event(), []
    request = []

    def on_published(bundle):
        request.append(bundle)
        published.set()

    def reviewer():
        assert published.wait(60)
        while not waited:
            time.sleep(0.02)
        # Words for another request are refused and leave this one open.
        with pytest.raises(BundleMismatchError):
            hand_in(make_answer(request[0], bundle_sha256="0" * 64))
        hand_in(make_answer(request[0], verdict="reject", comment="not yet"))

    def hand_in(data):
        submit_feedback.fn(open_workplace(Settings(home=asked_anew)), request[0].request_id, data)

    failures = []

    def guarded():
        try:
            reviewer()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    report, _ = run(
        asked_anew,
        shapes_dir,
        listener=ReviewListener(on_published=on_published, on_wait=waited.append),
        review__reviewer="inbox",
    )
    thread.join(30)
    assert failures == []
    assert report["decision"]["reasons"] == ["the review ended REJECTED: not yet"]


def test_an_answer_to_another_request_ends_the_run_before_anything_is_corrected(
    asked_anew, first, shapes_dir, tmp_path
):
    (tmp_path / "stale.json").write_bytes(make_answer(first.request, request_id="rq-other"))
    with pytest.raises(BundleMismatchError):
        run(asked_anew, shapes_dir, review__reviewer=f"file:{tmp_path / 'stale.json'}")
    assert count_runs(Settings(home=asked_anew)) > 0
