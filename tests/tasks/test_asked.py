"""A run that goes on in another process, with other code, keeps to what people were shown."""

import pytest

from feedback.errors import ArtifactError, DatasetError
from feedback.publishing import publish
from tasks import stage as stages
from tasks.asked import load_asked, save_asked, take_up
from tasks.settings import Settings
from tasks.stage import stage
from tasks.workplace import open_workplace
from tests.review_request import FILES, make_bundle


@stage("asked_double", version=1)
def double(work, *, n):
    return {"n": 2 * n}


def test_redeployed_code_does_not_compute_anew_what_the_run_was_asked_about(
    workplace, settings, monkeypatch
):
    first = double(workplace, n=3)
    save_asked(workplace, "run-1", 1, "r-1")
    monkeypatch.setattr(stages, "source_digest", lambda module: "other code")
    resumed = open_workplace(settings)
    assert take_up(resumed, "run-1") == {1: ("r-1",)}
    again = double(resumed, n=3)
    assert (again.key, again.reused) == (first.key, True)
    # What follows the review, and other runs, use the new code.
    assert not double(resumed, n=4).reused
    assert not double(open_workplace(settings), n=3).reused


def test_a_pinned_stage_whose_record_is_gone_is_computed_under_its_own_key(
    workplace, settings, monkeypatch
):
    first = double(workplace, n=3)
    save_asked(workplace, "run-1", 1, "r-1")
    workplace.objects.delete(f"stages/asked_double/{first.key}.json")
    monkeypatch.setattr(stages, "source_digest", lambda module: "other code")
    resumed = open_workplace(settings)
    take_up(resumed, "run-1")
    again = double(resumed, n=3)
    assert not again.reused
    assert again.key != first.key


def test_the_first_note_of_a_run_stands_and_a_run_without_one_has_not_asked(workplace):
    assert take_up(workplace, "run-1") == {}
    save_asked(workplace, "run-1", 1, "r-1")
    save_asked(workplace, "run-1", 1, "r-2")
    assert take_up(workplace, "run-1") == {1: ("r-1",)}
    workplace.objects.put("runs/run-2/asked/1.json", b'{"request_id": "../../x"}')
    with pytest.raises(ArtifactError, match="start a new run"):
        take_up(workplace, "run-2")


def test_every_round_leaves_its_note_and_the_latest_knows_all_stages(
    workplace, settings, monkeypatch
):
    first = double(workplace, n=3)
    save_asked(workplace, "run-1", 1, "r-1")
    second = double(workplace, n=5)
    save_asked(workplace, "run-1", 2, "r-2")
    monkeypatch.setattr(stages, "source_digest", lambda module: "other code")
    resumed = open_workplace(settings)
    assert take_up(resumed, "run-1") == {1: ("r-1",), 2: ("r-2",)}
    assert [double(resumed, n=n).key for n in (3, 5)] == [first.key, second.key]


def test_a_dataset_that_changed_while_people_were_asked_is_refused(tmp_path):
    objects = open_workplace(Settings(home=tmp_path)).objects
    bundle = make_bundle()
    publish(objects, bundle, FILES)
    assert load_asked(objects, bundle.request_id, "0" * 32 + ".dir") == bundle
    with pytest.raises(DatasetError, match="dvc checkout"):
        load_asked(objects, bundle.request_id, "1" * 32 + ".dir")
