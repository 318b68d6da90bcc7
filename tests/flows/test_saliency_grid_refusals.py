"""What ends a run of the saliency-grid channel, and what bad answers do not end."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from feedback.channels.saliency_grid import MarkedCell, answer_on, read_evidence
from feedback.errors import FeedbackError, ParamsError
from flows.context import ReviewListener
from tasks.exchange import submit_feedback
from tasks.settings import Settings
from tasks.workplace import open_workplace
from tests.flows.runs import run, tracker_of
from tests.flows.squares import ASKED, ONE_ROUND
from tests.review_request import make_answer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


def test_rounds_after_the_last_epoch_are_refused_before_any_work(tmp_path, shapes_dir):
    late = ASKED | {"training__epochs": "2"}
    with pytest.raises(ParamsError, match="before epoch 2"):
        run(tmp_path / "home", shapes_dir, **late)
    assert not list((tmp_path / "home").glob("store/stages/*"))


@pytest.mark.parametrize(
    ("waiting", "epochs", "told"),
    [("wait", "2", "first round"), ("async", "3", "last round")],
)
def test_marks_that_come_too_late_to_act_are_refused_before_any_work(
    tmp_path, shapes_dir, waiting, epochs, told
):
    rounds = "1" if waiting == "wait" else "2"
    late = ASKED | {"training__epochs": epochs, "saliency_grid__sampling__rounds": rounds}
    late["saliency_grid__sampling__waiting"] = waiting
    with pytest.raises(ParamsError, match=rf"two epochs after the {told} .*got 1"):
        run(tmp_path / "home", shapes_dir, **late)
    assert not list((tmp_path / "home").glob("store/stages/*"))


def test_bad_answers_and_a_failed_explanation_stop_no_training(tmp_path, shapes_dir):
    shutil.copytree(shapes_dir, tmp_path / "data")
    black = sorted(tmp_path.glob("data/train/*/*"))[0]
    name = str(black.relative_to(tmp_path / "data"))
    # Compared with black, there is nothing to attribute.
    with Image.open(black) as image:
        size = image.size
    Image.new("RGB", size).save(black)
    published, refused = [], []
    workplace = open_workplace(Settings(home=tmp_path / "home"))

    def answer(seconds):
        evidence = read_evidence(published[-1])
        good = [
            answer_on(evidence, one, [MarkedCell(r=0, c=1)]).model_dump(mode="json")
            for one in evidence.images
        ]
        bad = {
            "beyond": good[0] | {"cells": [{"r": 27, "c": 0}]},
            "grid": good[0] | {"grid": {"g": 7, "h": 64, "w": 64}},
            "weight": good[0] | {"cells": [{"r": 0, "c": 1, "w": 7.0}]},
            "stranger": good[0] | {"image": "f" * 64},
        }
        for nonce, one in bad.items():
            data = make_answer(published[-1], nonce=f"nonce-{nonce}", responses=[one])
            try:
                submit_feedback(workplace, published[-1].request_id, data)
            except FeedbackError as error:
                refused.append((nonce, str(error)))
        submit_feedback(
            workplace, published[-1].request_id, make_answer(published[-1], responses=good)
        )

    report, _ = run(
        tmp_path / "home",
        tmp_path / "data",
        listener=ReviewListener(on_published=published.append, on_wait=answer),
        review__reviewer="inbox",
        unversioned_data="allow",
        **(ASKED | {"saliency_grid__sampling__n_images": "100"} | ONE_ROUND),
    )
    assert [nonce for nonce, _ in refused] == ["beyond", "grid", "weight", "stranger"]
    shown = {one.name: one for one in read_evidence(published[0]).images}
    assert shown[name].failure == "all_zero"
    assert report["measured"]["marked_images"] == len(shown)
    tracker = tracker_of(report, workplace)
    table = tracker.client.download_artifacts(tracker.run_id, "files/doubts.csv", str(tmp_path))
    doubts = {
        row["name"]: row["doubts"].split()
        for row in csv.DictReader(io.StringIO(Path(table).read_text()))
    }
    assert "failed_explanation" in doubts[name]


def test_a_rejected_round_ends_the_run(tmp_path, shapes_dir):
    published = []
    workplace = open_workplace(Settings(home=tmp_path / "home"))

    def reject(seconds):
        no = make_answer(published[0], verdict="reject", comment="blurred")
        submit_feedback(workplace, published[0].request_id, no)

    report, _ = run(
        tmp_path / "home",
        shapes_dir,
        listener=ReviewListener(on_published=published.append, on_wait=reject),
        review__reviewer="inbox",
        **ASKED,
    )
    assert "blurred" in json.dumps(report["decision"])
    assert report["arms"] is None
    assert len(published) == 1
