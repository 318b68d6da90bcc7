"""A later run's request tells what changed since the champion."""

import shutil

import pytest

from flows.context import ReviewListener
from tasks.exchange import submit_feedback
from tasks.settings import Settings
from tasks.workplace import open_workplace
from tests.flows.runs import run
from tests.review_request import make_answer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


def test_a_request_against_a_champion_tells_what_changed_since(first, shapes_dir, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(first.workplace.settings.home, home)
    asked = []

    def reject(seconds):
        document = make_answer(asked[0], verdict="reject", comment="seen")
        submit_feedback.fn(open_workplace(Settings(home=home)), asked[0].request_id, document)

    # Other evidence about the same network, which the first run made champion.
    report, _ = run(
        home,
        shapes_dir,
        run_id="run-2",
        listener=ReviewListener(on_published=asked.append, on_wait=reject),
        review__reviewer="inbox",
        concept_graph__tcav__n_random="4",
    )
    (request,) = asked
    assert first.request.base is first.request.since is None
    assert request.base.digest == request.model.digest
    assert request.since.dataset_md5 == report["dataset"]["md5"] == request.dataset.md5
    assert "no review has edited it" in request.since.remark
    # One network: what was measured then is what is measured now.
    assert [row.shown for row in request.since.accuracies] == pytest.approx(
        [row.champion for row in request.since.accuracies]
    )
    arms = first.report["arms"]["original"]
    groups = {row.name: row.shown for row in request.since.accuracies if row.is_group}
    assert groups == pytest.approx(
        {
            "classes under review": arms["edited_classes"]["accuracy"],
            "other classes": arms["other_classes"]["accuracy"],
            "all classes": arms["all"]["accuracy"],
        }
    )
