"""The whole loop on a dataset of shapes: what a run reports, reuses, refuses and registers."""

import json
import re
from pathlib import Path

import pytest

from feedback.errors import LowAgreementError, ParamsError
from feedback.recording import load_decisions
from models.report import RunReport
from tasks.exchange import load_report
from tasks.registry import CANDIDATE, CHAMPION, alias_version
from tasks.settings import Settings
from tasks.workplace import open_workplace
from tests.flows.runs import computed, run, tracker_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]
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


def figures_of(tracker, run_id):
    """Return a run's pictures at the top level, where the compare page looks."""
    found = {file.path for file in tracker.client.list_artifacts(run_id) if not file.is_dir}
    return {path.removesuffix(".png") for path in found if path.endswith(".png")}


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
    asked = [round(row["accuracy"], 6) for row in report["teachers"]]
    names = ("classifier", "unmodified_graph", "edited_graph")
    logged = [parent.data.metrics[f"teacher.{name}.validation_accuracy"] for name in names]
    assert asked == [round(value, 6) for value in logged]
    gained = parent.data.metrics["teacher.edited_minus_unmodified.validation_accuracy"]
    assert gained == pytest.approx(logged[2] - logged[1])
    assert bool(report["warnings"]) == (gained <= 0)


def test_classifier_student_and_reasoners_are_registered(first):
    report, workplace, request = first
    tracker = tracker_of(report, workplace)
    names = {model.name for model in tracker.client.search_registered_models()}
    assert names == {"parley", "parley-reasoner", "parley-edited-reasoner"}
    champion = alias_version(tracker, "parley", CHAMPION)
    assert champion is not None
    assert champion.version != report["model"]["version"]
    assert alias_version(tracker, "parley", CANDIDATE).version == report["model"]["version"]
    (decision,) = load_decisions(workplace.objects, request.request_id)
    told = {
        "review.request_id": request.request_id,
        "review.decision_sha256": decision.digest,
        "review.reviewers": "simulated",
        "review.edits": str(len(report["edits"])),
        "dvc.md5": report["dataset"]["md5"],
    }
    assert len(report["edits"]) > 0
    assert (
        tracker.client.get_model_version("parley", report["model"]["version"]).tags.items()
        >= told.items()
    )
    # What nobody reviewed says so by saying nothing.
    original = tracker.client.get_model_version("parley", champion.version).tags
    assert not [name for name in original if name.startswith("review.")]
    for name in ("parley-reasoner", "parley-edited-reasoner"):
        assert tracker.client.get_model_version(name, "1").tags.items() >= told.items()


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
    assert metrics[0] == metrics[1] >= {"edited_classes.accuracy", "class.bars", "ece", "brier"}
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
    assert {key.split("/")[1] for key in reviews} == {first.report["request"]}


def test_a_run_that_could_not_suspend_is_refused_before_any_work(shapes_dir, tmp_path):
    with pytest.raises(ParamsError, match=r"review\.wait=auto or poll .*got 'suspend'.*parley up"):
        run(tmp_path / "home", shapes_dir, review__wait="suspend", review__reviewer="inbox")
    objects = open_workplace(Settings(home=tmp_path / "home")).objects
    assert not [
        info.key for top in ("artifacts/", "stages/", "reviews/") for info in objects.list(top)
    ]
