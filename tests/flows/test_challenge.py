"""A later run's candidate takes the champion's place only if it is no worse on today's images."""

import shutil
from dataclasses import replace

import pytest

from flows.channels import concept_graph
from tasks.registry import CHAMPION, alias_version
from tasks.settings import Settings
from tasks.tracking_store import open_registry
from tests.flows.runs import computed, run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]
JUDGED = {"promotion__min_images": "2"}
TAUGHT = {**JUDGED, "distillation__epochs": "30", "distillation__lr": "0.001"}


@pytest.fixture(autouse=True)
def any_student_may_be_promoted(monkeypatch):
    """Let the channel's rule allow whatever two epochs taught: this is about champions."""
    whole = concept_graph.evaluate

    def lenient(run, explained, corrected):
        return replace(whole(run, explained, corrected), promote=True)

    monkeypatch.setattr(concept_graph, "evaluate", lenient)


@pytest.fixture
def home(first, shapes_dir, tmp_path):
    """A home whose champion was taught for longer than what comes after it."""
    home = tmp_path / "home"
    shutil.copytree(first.workplace.settings.home, home)
    report, _ = run(home, shapes_dir, run_id="run-1b", **TAUGHT)
    assert report["challenge"] is None
    assert report["model"]["alias"] == CHAMPION
    return home


def champion(home):
    return alias_version(open_registry(Settings(home=home)), "parley", CHAMPION).version


def test_a_candidate_takes_the_place_of_a_champion_that_it_was_compared_with(home, shapes_dir):
    before = champion(home)
    changes = {**JUDGED, "promotion__champion_band": "0.99"}
    report, _ = run(home, shapes_dir, run_id="run-2", **changes)
    told = report["challenge"]
    assert (told["version"], told["classes"]) == (before, 3)
    assert told["mean"] == pytest.approx(told["candidate"] - told["champion"])
    assert f"the champion, version {before}" in report["decision"]["reasons"][-1]
    assert report["model"]["alias"] == CHAMPION
    assert champion(home) == report["model"]["version"] != before
    # Said again in the same words when it is champion itself.
    again, _ = run(home, shapes_dir, run_id="run-2", **changes)
    assert computed(again) == []
    assert {key: again[key] for key in ("challenge", "decision", "model")} == {
        key: report[key] for key in ("challenge", "decision", "model")
    }


def test_a_candidate_that_may_be_worse_than_the_champion_stays_a_candidate(home, shapes_dir):
    before = champion(home)
    report, _ = run(home, shapes_dir, run_id="run-3", **JUDGED)
    assert report["challenge"]["mean"] < 0
    assert not report["decision"]["promote"]
    assert report["decision"]["reasons"][-1].startswith("Refused: the candidate may be more than")
    assert report["model"]["alias"] == "candidate"
    assert champion(home) == before


def test_whoever_asks_for_no_comparison_gets_none(home, shapes_dir):
    before = champion(home)
    report, _ = run(home, shapes_dir, run_id="run-4", promotion__champion_band="1")
    assert report["challenge"] is None
    assert champion(home) == report["model"]["version"] != before
