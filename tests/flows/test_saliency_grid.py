"""The saliency-grid channel from end to end on a dataset of shapes."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from feedback.channels.saliency_grid import MarkedCell, answer_on, read_evidence, read_marks
from feedback.recording import load_decision
from flows.context import ReviewListener
from models.report import RunReport
from tasks.exchange import submit_feedback
from tasks.settings import Settings
from tasks.workplace import open_workplace
from tests.flows.runs import computed, run, tracker_of
from tests.flows.squares import ASKED
from tests.review_request import make_answer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


@pytest.fixture(scope="module")
def finished(tmp_path_factory, shapes_dir, prefect_server):
    published = []
    report, workplace = run(
        tmp_path_factory.mktemp("squares"),
        shapes_dir,
        listener=ReviewListener(on_published=published.append),
        **ASKED,
    )
    return report, workplace, published


def test_every_round_asks_about_other_images_and_takes_up_its_answer(finished):
    report, workplace, published = finished
    shown = [{one.image for one in read_evidence(bundle).images} for bundle in published]
    assert [len(images) for images in shown] == [3, 3]
    assert not shown[0] & shown[1]
    assert [read_evidence(bundle).epoch for bundle in published] == [1, 2]
    assert [bundle.round for bundle in published] == [1, 2]
    marked = set()
    for bundle in published:
        decision = load_decision(workplace.objects, bundle.request_id)
        assert decision.is_approved
        marked |= {one.image for one in read_marks(decision.edits) if one.cells}
    assert report["measured"]["marked_images"] == len(marked) == len(report["edits"]) > 0


def test_the_report_is_valid_and_compares_with_both_controls(finished):
    report, _, published = finished
    assert RunReport.model_validate(report, strict=False).model_dump(mode="json") == report
    assert set(report["arms"]) == {"original", "random_squares", "marked_squares"}
    assert report["arm_titles"][-1] == {
        "arm": "marked_squares",
        "title": "trained, marked squares",
    }
    assert report["request"] == published[-1].request_id
    assert any("loss" in reason for reason in report["decision"]["reasons"])
    assert 0 <= report["measured"]["original.marked_share"] <= 1
    assert report["measured"]["lambda"] > 0
    assert report["model"]["version"] == "2"


def test_tracking_has_the_metrics_and_figures_of_every_channel(finished):
    report, workplace, _ = finished
    tracker = tracker_of(report, workplace)
    parent = tracker.client.get_run(tracker.run_id)
    for arm in ("original", "marked_squares"):
        for name in ("all.accuracy", "nll", "ece", "brier"):
            assert f"{arm}.{name}" in parent.data.metrics
    files = {file.path for file in tracker.client.list_artifacts(tracker.run_id)}
    assert {"calibration.png", "comparison.png", "confusion.png", "looking.png"} <= files
    queue = tracker.client.list_artifacts(tracker.run_id, "files")
    assert [file.path for file in queue] == [
        "files/agreement.csv",
        "files/doubts.csv",
        "files/label_queue.csv",
    ]


def test_a_second_identical_run_computes_nothing(finished, shapes_dir):
    report, workplace, _ = finished
    again, _ = run(workplace.settings.home, shapes_dir, run_id="again", **ASKED)
    assert computed(again) == []
    for part in ("arms", "paired", "edits", "measured", "decision", "request"):
        assert again[part] == report[part]


def test_another_penalty_trains_nothing_anew_that_has_no_marks(finished, shapes_dir, tmp_path):
    _, workplace, published = finished
    home, asked = tmp_path / "home", []
    shutil.copytree(workplace.settings.home / "store", home / "store")
    report, _ = run(
        home,
        shapes_dir,
        listener=ReviewListener(on_published=asked.append),
        run_id="other",
        saliency_grid__penalty__strength="2.0",
        saliency_grid__carry_over__enabled="false",
        **ASKED,
    )
    # Two parts with marks, and two with random ones; the part before the first round is known.
    assert computed(report).count("train_guided") == 4
    first, again = (read_evidence(one[0]) for one in (published, asked))
    assert first.model_version == again.model_version


def test_a_later_run_learns_from_earlier_marks_and_asks_about_other_images(
    finished, shapes_dir, tmp_path
):
    report, workplace, published = finished
    home = tmp_path / "home"
    shutil.copytree(workplace.settings.home / "store", home / "store")
    asked = []

    def later(run_id, **changes):
        asked.clear()
        listener = ReviewListener(on_published=asked.append)
        settings = ASKED | {"saliency_grid__sampling__rounds": "1"} | changes
        return run(home, shapes_dir, listener=listener, run_id=run_id, **settings)[0]

    found = later("later", saliency_grid__penalty__strength="2.0")
    (request,) = (read_evidence(bundle) for bundle in asked)
    assert [one.request_id for one in request.carried] == [one.request_id for one in published]
    assert sum(one.n_images for one in request.carried) == 6
    before = {one.image for bundle in published for one in read_evidence(bundle).images}
    assert not before & {one.image for one in request.images}
    marked = report["measured"]["marked_images"]
    assert found["measured"]["marked_images"] > marked
    assert found["measured"]["carried_images"] == 6
    sources = [edit["change"].partition("; ")[2] for edit in found["edits"]]
    told = sorted(source.rpartition(" ")[2] for source in sources if source)
    assert len(told) == marked
    assert set(told) <= {one.request_id for one in published}
    # Trained on from the first epoch: another network than the first one was shown with.
    first = read_evidence(published[0])
    assert (request.epoch, request.model_version == first.model_version) == (1, False)
    # It is the same run when it is made again, whatever it asked itself.
    again = later("later-again", saliency_grid__penalty__strength="2.0")
    assert computed(again) == []
    assert again["request"] == found["request"]
    # A lambda that is found during training is not found on a network that knows nothing yet.
    later("balanced", saliency_grid__penalty__rate="2.0")
    (request,) = (read_evidence(bundle) for bundle in asked)
    assert request.carried
    assert request.model_version == first.model_version


def test_earlier_marks_are_left_alone_where_that_is_asked_for(finished, shapes_dir, tmp_path):
    _, workplace, _ = finished
    home = tmp_path / "home"
    shutil.copytree(workplace.settings.home / "store", home / "store")
    asked = []
    settings = ASKED | {"saliency_grid__sampling__rounds": "1", "seed": "3"}
    report, _ = run(
        home,
        shapes_dir,
        listener=ReviewListener(on_published=asked.append),
        run_id="alone",
        saliency_grid__carry_over__enabled="false",
        **settings,
    )
    assert read_evidence(asked[0]).carried == ()
    assert report["measured"]["carried_images"] == 0


def test_training_that_does_not_wait_takes_up_late_answers_and_waits_at_its_end(
    tmp_path, shapes_dir
):
    published = []

    def late(seconds):
        # Only the last round waits: by then nobody has answered, and both are answered at once.
        assert len(published) == 2
        for bundle in published[::-1]:
            evidence = read_evidence(bundle)
            marks = [
                answer_on(evidence, one, [MarkedCell(r=one.shown[0].r, c=one.shown[0].c)])
                for one in evidence.images
            ]
            responses = [one.model_dump(mode="json") for one in marks]
            answered = make_answer(bundle, nonce="nonce-0001", responses=responses)
            submit_feedback(workplace, bundle.request_id, answered)

    workplace = open_workplace(Settings(home=tmp_path / "home"))
    report, _ = run(
        tmp_path / "home",
        shapes_dir,
        listener=ReviewListener(on_published=published.append, on_wait=late),
        review__reviewer="inbox",
        saliency_grid__sampling__waiting="async",
        saliency_grid__penalty__strength="5.0",
        **ASKED,
    )
    assert report["request"] == published[1].request_id
    asked = [one.name for bundle in published for one in read_evidence(bundle).images]
    assert len(set(asked)) == 6
    assert sorted(edit["change"].partition(":")[0] for edit in report["edits"]) == sorted(asked)
    assert report["measured"]["marked_images"] == 6
    # They were trained on: a lambda that acts, and another network than without them.
    measured = report["measured"]
    assert measured["lambda"] == 5.0
    assert measured["marked_squares.marked_share"] != measured["original.marked_share"]


def test_two_reviewers_who_differ_are_joined_and_compared(tmp_path, shapes_dir):
    rule = {"approvals": 2, "anyone": True, "signatures": ["none"]}
    policy = {"name": "two", "roles": {"reviewer": rule}, "author_may_approve": True}
    (tmp_path / "two.json").write_text(json.dumps(policy))
    published = []
    workplace = open_workplace(Settings(home=tmp_path / "home"))

    def answer(seconds):
        # Ada marks the best square of each image, Ben the best two: they overlap by a half.
        for reviewer, n_cells in (("ben", 2), ("ada", 1)):
            evidence = read_evidence(published[-1])
            marks = [
                answer_on(
                    evidence, one, (MarkedCell(r=cell.r, c=cell.c) for cell in one.shown[:n_cells])
                ).model_dump(mode="json")
                for one in evidence.images
            ]
            data = make_answer(published[-1], reviewer=reviewer, responses=marks)
            submit_feedback(workplace, published[-1].request_id, data)

    report, _ = run(
        tmp_path / "home",
        shapes_dir,
        listener=ReviewListener(on_published=published.append, on_wait=answer),
        review__reviewer="inbox",
        review__policy=str(tmp_path / "two.json"),
        **(ASKED | {"saliency_grid__sampling__rounds": "1"}),
    )
    measured = report["measured"]
    assert (measured["compared_images"], measured["mean_overlap"]) == (3, 0.5)
    assert (measured["contradicted_cells"], measured["low_agreement"]) == (0, 0)
    # The second square weighs half, and is there; both of them clicked.
    assert (measured["marked_images"], measured["clicks"]) == (3, 9)
    tracker = tracker_of(report, workplace)
    table = tracker.client.download_artifacts(tracker.run_id, "files/agreement.csv", str(tmp_path))
    rows = list(csv.DictReader(io.StringIO(Path(table).read_text())))
    assert [(row["reviewers"], row["overlap"]) for row in rows] == [("ada ben", "0.5")] * 3
