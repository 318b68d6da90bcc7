"""A later run's candidate takes the champion's place only if it is no worse on today's images."""

import shutil
from urllib.parse import urlparse

import pytest

from tasks.registry import CHAMPION, alias_version
from tasks.settings import Settings
from tasks.tracking_store import open_registry
from tests.flows.runs import computed, run
from tests.flows.test_saliency_grid import ASKED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("prefect_server", "any_student_may_be_promoted"),
]
JUDGED = {"promotion__min_images": "2"}
TAUGHT = {**JUDGED, "distillation__epochs": "30", "distillation__lr": "0.001"}


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
    assert "the candidate may lose more than 5 points" in report["decision"]["reasons"][-1]
    assert report["model"]["alias"] == "candidate"
    assert champion(home) == before


def test_whoever_asks_for_no_comparison_gets_none(home, shapes_dir):
    before = champion(home)
    report, _ = run(home, shapes_dir, run_id="run-4", promotion__champion_band="1")
    assert report["challenge"] is None
    assert champion(home) == report["model"]["version"] != before


def test_a_champion_that_is_gone_keeps_its_place_until_people_say_otherwise(home, shapes_dir):
    before = champion(home)
    client = open_registry(Settings(home=home)).client
    logged = client.get_model_version("parley", before).source.rsplit("/")[-1]
    shutil.rmtree(urlparse(client.get_logged_model(logged).artifact_location).path)
    report, _ = run(home, shapes_dir, run_id="run-5", **JUDGED)
    assert not report["decision"]["promote"]
    assert "could not be compared with the champion" in report["decision"]["reasons"][-1]
    assert champion(home) == before


def test_a_network_of_another_channel_is_compared_with_like_any_other(home, shapes_dir):
    before = champion(home)
    report, _ = run(home, shapes_dir, run_id="run-6", **(ASKED | JUDGED))
    assert report["challenge"]["version"] == before
    assert f"the champion, version {before}" in report["decision"]["reasons"][-1]


def test_the_same_run_ends_as_it_did_though_what_it_replaced_was_deleted(home, shapes_dir):
    before = champion(home)
    changes = {**JUDGED, "promotion__champion_band": "0.99"}
    report, _ = run(home, shapes_dir, run_id="run-7", **changes)
    registry = open_registry(Settings(home=home))
    registry.client.delete_registered_model_alias("parley", "previous")
    registry.client.delete_model_version("parley", before)
    again, _ = run(home, shapes_dir, run_id="run-7", **changes)
    assert again["model"] == report["model"]
    assert champion(home) == report["model"]["version"]
