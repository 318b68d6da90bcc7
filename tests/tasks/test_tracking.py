import json
from pathlib import Path

import pytest

from feedback.errors import TrackingError
from tasks.records import Figure, Metric, Param, Table, Tag
from tasks.settings import Settings
from tasks.stage import StageResult
from tasks.tracking import stage_records
from tasks.tracking_store import count_runs, start_tracking


@pytest.fixture
def tracker(settings):
    return start_tracking(settings, "run-1", {"parley.run": "run-1"})


def finished(workplace, *, reused=False):
    history = workplace.artifacts.save_json([{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}])
    return StageResult(
        name="train_classifier",
        key="k" * 64,
        outputs={"history": history},
        facts={"accuracy": 0.5, "good": True, "names": ["a"]},
        seconds=3.0,
        reused=reused,
    )


def test_records_land_where_the_compare_page_looks(tracker):
    tracker.log(
        [
            Param("training.epochs", 3),
            Tag("review.state", "APPROVED"),
            Metric("original.class.Ärmel 1", 0.5),
            Metric("loss", 2.0, 0),
            Metric("loss", 1.0, 1),
            Figure("comparison", b"\x89PNG"),
            Table("per_class", {"class": ["a"], "accuracy": [0.5]}),
        ]
    )
    tracker.finish()
    run = tracker.client.get_run(tracker.run_id)
    assert run.data.params == {"training.epochs": "3"}
    assert run.data.tags["review.state"] == "APPROVED"
    assert run.data.metrics["loss"] == 1.0
    assert len(tracker.client.get_metric_history(tracker.run_id, "loss")) == 2
    # The compare page shows files of the top level, and nothing of a folder.
    paths = {f.path for f in tracker.client.list_artifacts(tracker.run_id) if not f.is_dir}
    assert paths == {"comparison.png"}
    assert run.info.status == "FINISHED"


def test_stages_are_children_and_a_reused_one_links_to_its_origin(tracker, workplace, settings):
    result = finished(workplace)
    records = stage_records(workplace, result)
    assert Metric("accuracy", 0.5) in records
    assert Metric("epoch.loss", 1.0, 2) in records
    assert not any(record.name == "good" for record in records)
    workplace.results.append(result)
    origin = tracker.log_stage(workplace, result)
    with workplace.about("edited graphs"):
        again = tracker.log_stage(workplace, finished(workplace, reused=True))
    child, reused = tracker.client.get_run(origin), tracker.client.get_run(again)
    assert child.data.tags["mlflow.parentRunId"] == tracker.run_id
    assert child.data.metrics["seconds"] == 3.0
    assert reused.data.tags["parley.computed_in_run"] == origin
    assert reused.data.tags["parley.reused"] == "true"
    assert child.info.run_name == "01 train classifier"
    assert reused.info.run_name == "01 train classifier: edited graphs (reused)"
    assert count_runs(settings) == 3


def test_a_text_of_a_stage_is_a_file_of_its_own_run(tracker, workplace):
    queue = workplace.artifacts.save_text("name,flags\nä.png,artefact\n")
    result = finished(workplace).model_copy(update={"outputs": {"label_queue.csv": queue}})
    child = tracker.log_stage(workplace, result)
    found = tracker.client.download_artifacts(child, "files/label_queue.csv")
    assert Path(found).read_text(encoding="utf-8") == "name,flags\nä.png,artefact\n"
    # A reused stage links to the run that has it.
    again = tracker.log_stage(workplace, result.model_copy(update={"reused": True}))
    assert tracker.client.get_run(again).data.tags["parley.computed_in_run"] == child
    assert tracker.client.list_artifacts(again) == []


@pytest.mark.parametrize(
    "known", [None, b'{"run_id": "of another"}', b'{"run_id": "0123456789abcdef"}', b"?", b"[]"]
)
def test_a_reused_stage_whose_run_is_not_known_has_its_files_itself(tracker, workplace, known):
    # Its process died before MLflow was told, or it was computed beside another MLflow.
    queue = workplace.artifacts.save_text("name,flags\nä.png,artefact\n")
    outputs = {"label_queue.csv": queue, **finished(workplace).outputs}
    result = finished(workplace, reused=True).model_copy(update={"outputs": outputs})
    if known is not None:
        workplace.objects.put(f"tracking/{result.key}.json", known)
    first = tracker.log_stage(workplace, result)
    run = tracker.client.get_run(first)
    assert run.data.metrics["epoch.loss"] == 1.0
    assert "parley.computed_in_run" not in run.data.tags
    tracker.client.download_artifacts(first, "files/label_queue.csv")
    # Whoever comes next is led to it.
    second = tracker.client.get_run(tracker.log_stage(workplace, result))
    assert second.data.tags["parley.computed_in_run"] == first


def test_a_reused_stage_does_not_link_to_a_run_that_was_deleted(tracker, workplace):
    origin = tracker.log_stage(workplace, finished(workplace))
    tracker.client.delete_run(origin)
    again = tracker.client.get_run(tracker.log_stage(workplace, finished(workplace, reused=True)))
    assert "parley.computed_in_run" not in again.data.tags
    assert again.data.metrics["epoch.loss"] == 1.0


def test_a_stage_counts_as_written_once_its_run_is_closed(tracker, workplace):
    # The process died while it wrote: whoever goes on writes it anew.
    tracker.start_child("01 train classifier", {"cache.key": "k" * 64})
    assert tracker.logged_stages() == set()
    tracker.log_stage(workplace, finished(workplace))
    assert tracker.logged_stages() == {"k" * 64}


def test_the_dataset_is_an_input_and_a_tag_of_the_run_and_of_its_children(tracker):
    md5 = "0123456789abcdef" * 2 + ".dir"
    tracker.log_dataset("shapes", md5, 30)
    for run_id in (tracker.run_id, tracker.start_child("02 predict")):
        run = tracker.client.get_run(run_id)
        found = run.inputs.dataset_inputs[0].dataset
        assert (found.name, found.digest, found.source_type) == ("shapes", "01234567", "dvc")
        assert json.loads(found.source)["md5"] == md5
        assert run.data.tags["dvc.md5"] == md5


def test_a_failed_run_says_so(tracker):
    tracker.finish(failed=True)
    assert tracker.client.get_run(tracker.run_id).info.status == "FAILED"


def test_a_password_is_never_repeated(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:secret@127.0.0.1:1/db")
    with pytest.raises((TrackingError, ModuleNotFoundError)) as refused:
        start_tracking(Settings(home=tmp_path), "run", {})
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)
