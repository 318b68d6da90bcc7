"""Scheduled runs look first: new images come in, and where nothing changed nothing is started."""

import shutil
from contextlib import contextmanager

import pytest
import yaml

from feedback.errors import DatasetError
from feedback.parking import ParkedRun, park, unpark
from flows.deployed import retrain_deployed
from flows.params import load_params
from flows.starting import prepare_run
from tasks.dataset import version
from tasks.keeping import file_closed_reviews, take_in_images
from tasks.liveness import alive
from tasks.settings import Settings
from tasks.tracking_store import count_runs
from tasks.workplace import open_workplace
from tests.shapes import tiny_overrides
from tests.tasks.dataset.conftest import write_photo


@pytest.fixture
def params(shapes_dir):
    return load_params(None, (*tiny_overrides(), f"data={shapes_dir}"))


@pytest.fixture(autouse=True)
def plain_intake(monkeypatch, request):
    """Call the task's body where no orchestrator is wanted."""
    if "prefect_server" not in request.fixturenames:
        monkeypatch.setattr("flows.starting.take_in_images", take_in_images.fn)
        monkeypatch.setattr("flows.starting.file_closed_reviews", file_closed_reviews.fn)


def finish(workplace, run, model="parley"):
    from tasks.freshness import save_finish

    return save_finish(workplace.objects, model, run, None)


def test_the_same_again_is_skipped_unless_it_is_forced(params, workplace):
    assert prepare_run(params, workplace, "one", force=False) is None
    assert finish(workplace, "one")
    assert "nothing changed since run one" in prepare_run(params, workplace, "two", force=False)
    assert prepare_run(params, workplace, "two", force=True) is None


def test_another_parameter_policy_or_image_is_something_new(
    params, workplace, shapes_dir, tmp_path
):
    prepare_run(params, workplace, "one", force=False)
    finish(workplace, "one")
    changed = params.model_copy(update={"seed": 1})
    assert prepare_run(changed, workplace, "two", force=False) is None
    # How images are taken in decides nothing by itself.
    intake = params.intake.model_copy(update={"max_images": 7})
    same = params.model_copy(update={"intake": intake})
    assert prepare_run(same, workplace, "three", force=False)
    data = shutil.copytree(shapes_dir, tmp_path / "shapes")
    elsewhere = params.model_copy(update={"data": str(data)})
    prepare_run(elsewhere, workplace, "four", force=False)
    finish(workplace, "four")
    assert prepare_run(elsewhere, workplace, "five", force=False)
    write_photo(data / "pool" / "new.png", 1)
    assert prepare_run(elsewhere, workplace, "five", force=False) is None


def test_images_are_left_alone_where_dvc_keeps_no_versions(params, workplace, shapes_dir):
    workplace.objects.put("intake/a.png", (shapes_dir / "pool/00.png").read_bytes())
    assert prepare_run(params, workplace, "one", force=False) is None
    assert workplace.objects.list("intaken/") == []


def test_no_image_comes_in_while_people_are_asked_about_these_data(
    params, workplace, shapes_dir, tmp_path, monkeypatch
):
    data = shutil.copytree(shapes_dir, tmp_path / "data")
    (tmp_path / ".dvc").mkdir()

    def add(folder):
        md5 = version.folder_md5(folder)
        record = {"outs": [{"md5": md5, "path": "data"}]}
        data.with_name("data.dvc").write_text(yaml.safe_dump(record))
        return md5

    monkeypatch.setattr(version, "add", add)
    monkeypatch.setattr(version, "push", lambda folder: None)
    add(data)
    params = params.model_copy(update={"data": str(data)})
    waiting = "0" * 8 + "-0000-0000-0000-" + "0" * 12
    assert prepare_run(params, workplace, waiting, force=False) is None
    park(workplace.objects, ParkedRun("r-1", waiting))
    photo = write_photo(tmp_path / "new.png", 1)
    workplace.objects.put("intake/new.png", photo.read_bytes())
    n_pool = len(list((data / "pool").iterdir()))
    assert f"run {waiting} waits" in prepare_run(params, workplace, "next", force=False)
    assert len(list((data / "pool").iterdir())) == n_pool
    # Once it has its decision, the image comes in, and that is something new.
    unpark(workplace.objects, ParkedRun("r-1", waiting))
    finish(workplace, waiting)
    assert prepare_run(params, workplace, "next", force=False) is None
    assert len(list((data / "pool").iterdir())) == n_pool + 1


def test_reviews_that_cannot_be_filed_stop_no_run(params, workplace, monkeypatch, tmp_path, caplog):
    data = tmp_path / "data"
    data.with_name("data.dvc").touch()

    def fails(*args, **kwargs):
        raise DatasetError("expected a remote (got none); start it")

    monkeypatch.setattr("tasks.keeping.file_reviews", fails)
    assert file_closed_reviews.fn(workplace, data) is None
    assert "not filed yet: expected a remote" in caplog.text


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_deployed_run_that_finds_nothing_new_ends_as_skipped(shapes_dir, settings, monkeypatch):
    steps = []

    @contextmanager
    def counted(home, flow_run):
        with alive(home, flow_run):
            yield lambda: steps.append(flow_run)

    monkeypatch.setattr("tasks.liveness.alive", counted)
    given = [*tiny_overrides(), f"data={shapes_dir}"]
    first = retrain_deployed(overrides=given, return_state=True)
    assert first.name == "Completed"
    # It went forward with every stage that it computed.
    assert len(steps) > 5
    steps.clear()
    n_runs = count_runs(settings)
    again = retrain_deployed(overrides=given, return_state=True)
    assert (again.name, again.is_completed()) == ("Skipped", True)
    assert "nothing changed since run" in again.message
    assert count_runs(settings) == n_runs
    forced = retrain_deployed(overrides=given, force=True, return_state=True)
    assert forced.name == "Completed"
    assert count_runs(settings) > n_runs
    # What is only found again is no step forward.
    assert steps == []
    assert open_workplace(Settings(home=settings.home)).objects.exists("finished/parley.json")
