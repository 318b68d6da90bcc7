"""The whole loop on a dataset of shapes: what a run reports, reuses, refuses and registers."""

import json
import re
import shutil
import threading
import time
from pathlib import Path

import pytest

from feedback.channels.concept_graph import read_evidence
from feedback.errors import BundleMismatchError, LowAgreementError
from feedback.recording import record_transition
from feedback.states import ReviewState
from flows.context import ReviewListener
from flows.params import load_params
from flows.retrain import retrain
from models.report import RunReport
from tasks.exchange import load_report, submit_feedback
from tasks.registry import CANDIDATE, CHAMPION, alias_version
from tasks.settings import Settings
from tasks.tracking import Tracker, count_runs
from tasks.workplace import open_workplace
from tests.shapes import tiny_overrides

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]
AFTER_REVIEW = {"edit_graphs", "fit_teacher", "distil", "compare_arms", "show_correction"}
FIGURES = {
    "calibration",
    "class_graphs",
    "class_graphs_before_and_after",
    "comparison",
    "confusion",
    "contribution",
}
SHOWN = {
    "dataset": {"path", "md5", "classes", "train", "test"},
    "reasoner": {"agreement", "l1"},
    "arms": {"original", "unmodified_graph", "edited_graph"},
    "model": {"name", "version"},
}


def run(home, data, *, listener=None, run_id="run", **changes):
    """Run the flow on a folder under its own home and return its report and workplace."""
    params = load_params(None, (*tiny_overrides(**changes), f"data={data}"))
    workplace = open_workplace(Settings(home=home))
    return retrain(params, workplace, run_id, listener or ReviewListener()), workplace


def answer(request, **changes):
    document = {
        "schema_version": 1,
        "request_id": request.request_id,
        "bundle_sha256": request.digest,
        "channel": request.channel,
        "reviewer": "ada",
        "nonce": "nonce-0001",
        "verdict": "approve",
        "created_at": "2026-01-01T00:00:00Z",
    }
    return json.dumps(document | changes).encode()


def tracker_of(report, workplace):
    from mlflow.tracking import MlflowClient

    tracking = report["tracking"]
    return Tracker(
        MlflowClient(tracking["uri"], tracking["uri"]), tracking["experiment"], tracking["run"]
    )


def figures_of(tracker, run_id):
    """Return a run's pictures at the top level, where the compare page looks."""
    found = {file.path for file in tracker.client.list_artifacts(run_id) if not file.is_dir}
    return {path.removesuffix(".png") for path in found if path.endswith(".png")}


def computed(report):
    return [stage["name"] for stage in report["stages"] if not stage["reused"]]


@pytest.fixture(scope="module")
def first(tmp_path_factory, shapes_dir, prefect_server):
    """A finished run with the simulated reviewer; its home is read only for all but one test."""
    home = tmp_path_factory.mktemp("first")
    published = []
    report, workplace = run(
        home, shapes_dir, listener=ReviewListener(on_published=published.append), run_id="run-1"
    )
    return report, workplace, published[0]


@pytest.fixture
def asked_anew(first, tmp_path):
    """Another home that has every stage and the open request of the first run, and no answer."""
    home = tmp_path / "home"
    for part in ("artifacts", "stages", "reviews"):
        shutil.copytree(first[1].settings.home / "store" / part, home / "store" / part)
    return home


def test_the_report_holds_all_that_a_run_shows_and_is_valid(first):
    report, workplace, request = first
    assert RunReport.model_validate(report, strict=False).model_dump(mode="json") == report
    assert json.loads(load_report(workplace, "latest")) == report
    for part, keys in SHOWN.items():
        assert keys <= set(report[part])
    for stage in report["stages"]:
        assert set(stage) == {"name", "seconds", "reused"}
    for scores in report["arms"].values():
        assert set(scores) == {"edited_classes", "other_classes", "all"}
    assert report["request"] == request.request_id
    assert len(report["edited_classes"]) == 2
    assert {row["group"] for row in report["paired"]} == {"edited_classes", "other_classes", "all"}
    assert report["decision"]["reasons"]
    assert report["edits"] == [edit for edit in report["edits"] if edit["reason"]]


def test_the_run_is_one_parent_with_a_child_per_stage_and_its_figures(first):
    report, workplace, _ = first
    tracker = tracker_of(report, workplace)
    children = tracker.client.search_runs(
        [tracker.experiment_id], f"tags.`mlflow.parentRunId` = '{tracker.run_id}'"
    )
    stages = [r.data.tags["parley.stage"] for r in children if "parley.stage" in r.data.tags]
    assert sorted(stages) == sorted(stage["name"] for stage in report["stages"])
    assert figures_of(tracker, tracker.run_id) == FIGURES
    parent = tracker.client.get_run(tracker.run_id)
    assert parent.info.status == "FINISHED"
    assert re.fullmatch(r"shapes \d{4}-\d\d-\d\d \d\d:\d\d 1", parent.info.run_name)
    assert parent.data.tags["mlflow.note.content"].startswith("**")
    names = [run.info.run_name for run in children if "parley.stage" in run.data.tags]
    assert len(set(names)) == len(names)
    assert "01 train classifier" in names
    assert any(re.fullmatch(r"\d\d distil: edited graphs, seed 0", name) for name in names)
    assert parent.data.tags["dvc.md5"] == report["dataset"]["md5"]
    assert "original.class.bars" in parent.data.metrics


def test_classifier_student_and_reasoners_are_registered(first):
    report, workplace, request = first
    tracker = tracker_of(report, workplace)
    names = {model.name for model in tracker.client.search_registered_models()}
    assert names == {"parley", "parley-reasoner", "parley-edited-reasoner"}
    champion = alias_version(tracker, "parley", CHAMPION)
    assert champion is not None
    assert champion.version != report["model"]["version"]
    assert alias_version(tracker, "parley", CANDIDATE).version == report["model"]["version"]
    tags = tracker.client.get_model_version("parley", report["model"]["version"]).tags
    assert tags["review.request_id"] == request.request_id


def test_every_version_has_a_readable_run_with_the_same_figures_parameters_and_metrics(first):
    report, workplace, _ = first
    tracker = tracker_of(report, workplace)
    titles, metrics, params, drawn = {}, [], [], []
    for model in tracker.client.search_registered_models():
        for version in tracker.client.search_model_versions(f"name = '{model.name}'"):
            run = tracker.client.get_run(version.run_id)
            titles[run.info.run_name] = run.info.status
            assert figures_of(tracker, version.run_id) == FIGURES
            assert run.data.tags["dvc.md5"] == report["dataset"]["md5"]
            assert run.inputs.dataset_inputs
            if model.name == "parley":
                metrics.append(set(run.data.metrics))
                params.append(run.data.params)
                drawn.append(Path(tracker.client.download_artifacts(version.run_id, "")))
    assert titles == {
        "original v1: as trained, shapes": "FINISHED",
        "candidate v2: edited graphs, shapes": "FINISHED",
        "reasoner v1: imitates the original, shapes": "FINISHED",
        "edited-reasoner v1: teaches the edited graphs, shapes": "FINISHED",
    }
    assert metrics[0] == metrics[1] >= {"edited_classes.accuracy", "class.bars", "ece"}
    assert params[0] == params[1]
    assert params[0]["training.epochs"] == "2"
    # One story in both, and each version's own side of it.
    for name, is_same in {
        "class_graphs_before_and_after": True,
        "comparison": True,
        "class_graphs": False,
        "confusion": False,
        "contribution": False,
    }.items():
        left, right = ((folder / f"{name}.png").read_bytes() for folder in drawn)
        assert (left == right) is is_same, name


def test_the_report_leads_to_both_versions_side_by_side(first):
    report, workplace, _ = first
    tracker, tracking = tracker_of(report, workplace), report["tracking"]
    page = tracking["compare_versions"]
    for number in ("1", report["model"]["version"]):
        run_id = tracker.client.get_model_version("parley", number).run_id
        assert run_id in page
        assert run_id in tracking["compare_figures"]
    described = tracker.client.get_model_version("parley", report["model"]["version"])
    assert "| original |" in described.description


def test_a_second_identical_run_reuses_every_stage_and_adds_no_version(first, shapes_dir):
    report, workplace, _ = first
    tracker = tracker_of(report, workplace)
    before = len(tracker.client.search_model_versions())
    again, _ = run(workplace.settings.home, shapes_dir, run_id="run-2")
    assert computed(again) == []
    assert len(again["stages"]) == len(report["stages"])
    assert len(tracker.client.search_model_versions()) == before
    for part in ("arms", "paired", "edits", "decision", "model", "reasoner", "request"):
        assert again[part] == report[part]


def test_another_answer_recomputes_only_what_follows_the_review(
    asked_anew, first, shapes_dir, tmp_path
):
    (tmp_path / "answer.json").write_bytes(answer(first[2]))
    report, _ = run(asked_anew, shapes_dir, review__reviewer=f"file:{tmp_path / 'answer.json'}")
    assert report["request"] == first[0]["request"]
    assert report["edits"] == []
    assert set(computed(report)) <= AFTER_REVIEW
    arms = report["arms"]
    assert arms["edited_graph"] == arms["unmodified_graph"]


def test_a_run_whose_correction_was_promoted_comes_to_the_same_end_again(
    asked_anew, first, shapes_dir, tmp_path
):
    shown = read_evidence(first[2]).classes[0].model_dump(mode="json")
    other = next(
        card["concept_id"]
        for card in shown["candidates"]
        if card["class_name"] == shown["class_name"] and card["concept_id"] not in shown["slots"]
    )
    edit = {
        "type": "graph_edit",
        "version": 1,
        "class_name": shown["class_name"],
        "base_cscg": shown["base_cscg"],
        "ops": [{"op": "replace_concept", "slot": 0, "from": shown["slots"][0], "to": other}],
    }
    (tmp_path / "edit.json").write_bytes(answer(first[2], responses=[edit]))
    asked = {"review__reviewer": f"file:{tmp_path / 'edit.json'}"}
    report, workplace = run(asked_anew, shapes_dir, **asked)
    assert len(report["edits"]) == 1
    record_transition(workplace.objects, report["request"], ReviewState.PROMOTED)
    again, _ = run(asked_anew, shapes_dir, run_id="again", **asked)
    assert computed(again) == []
    for part in ("arms", "paired", "edits", "decision", "request"):
        assert again[part] == report[part]


def test_a_run_that_mines_anew_proposes_what_was_accepted_and_applies_nothing(
    first, shapes_dir, tmp_path
):
    home = tmp_path / "home"
    shutil.copytree(first[1].settings.home / "store", home / "store")
    published = []
    report, _ = run(
        home,
        shapes_dir,
        listener=ReviewListener(on_published=published.append),
        seed="5",
        concept_graph__carry_over__min_similarity="0.01",
    )
    assert {edit["class_name"] for edit in first[0]["edits"]}
    told = {one.class_name: one for one in read_evidence(published[0]).classes}
    said = [item for one in told.values() for item in (*one.carried, *one.lost)]
    assert {item.request_id for item in said} == {first[0]["request"]}
    shared = [edit for edit in first[0]["edits"] if edit["class_name"] in told]
    assert len(said) == len(shared)
    assert all("removed" not in {edge.state for edge in one.edges} for one in told.values())
    # How alike concepts must be is no part of any stage's key but the last one's.
    assert "carry_over_edits" in computed(report)


def test_a_rejection_ends_the_run_without_a_version(asked_anew, first, shapes_dir, tmp_path):
    (tmp_path / "no.json").write_bytes(answer(first[2], verdict="reject", comment="all sea"))
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
            hand_in(answer(request[0], bundle_sha256="0" * 64))
        hand_in(answer(request[0], verdict="reject", comment="not yet"))

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
    (tmp_path / "stale.json").write_bytes(answer(first[2], request_id="rq-other"))
    with pytest.raises(BundleMismatchError):
        run(asked_anew, shapes_dir, review__reviewer=f"file:{tmp_path / 'stale.json'}")
    assert count_runs(Settings(home=asked_anew)) > 0


def test_a_reasoner_that_does_not_speak_for_the_classifier_is_not_published(
    asked_anew, first, shapes_dir
):
    with pytest.raises(LowAgreementError, match="publish_anyway=true") as refused:
        run(
            asked_anew,
            shapes_dir,
            concept_graph__reasoner__publish_anyway="false",
            concept_graph__reasoner__min_agreement="1.0",
            concept_graph__reasoner__lr="1e-9",
        )
    assert "\n" not in str(refused.value)
    reviews = [
        info.key for info in open_workplace(Settings(home=asked_anew)).objects.list("reviews/")
    ]
    assert {key.split("/")[1] for key in reviews} == {first[0]["request"]}
