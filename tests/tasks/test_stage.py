import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from feedback.errors import ParamsError, StoreAwayError
from models.params import Params
from tasks.artifacts import ArtifactRef
from tasks.dataset.reference import DatasetRef
from tasks.stage import StageResult, Work, describe_input, stage
from tasks.workplace import open_workplace


class Growth(Params):
    factor: int = 2


calls: list[str] = []


@stage("double", version=1)
def double(work: Work, *, growth: Growth, source: object, note: str = "") -> dict:
    calls.append("double")
    if note == "fail":
        work.save_json("half", 1)
        raise ParamsError("expected luck (got none); try again")
    work.save_tensors("values", {"x": torch.arange(3) * growth.factor})
    work.save_json("rows", [1, 2])
    return {"size": 3}


@stage("double", version=2)
def double_again(work: Work, *, growth: Growth, source: object) -> dict:
    calls.append("double")
    return {}


@pytest.fixture(autouse=True)
def forget_calls():
    calls.clear()


def result_with(sha256="a" * 64, facts=None, **changes):
    ref = ArtifactRef(uri=f"artifacts/{sha256[:2]}/{sha256}", sha256=sha256, bytes=1, kind="json")
    values = {"name": "before", "key": "k", "outputs": {"o": ref}, "facts": facts or {}}
    return StageResult(**values | {"seconds": 1.0} | changes)


def dataset(path="/a", md5="0" * 32):
    return DatasetRef(
        path=path, md5=md5, classes=("a", "b"), n_train=2, n_test=2, n_pool=0, has_masks=False
    )


def test_the_same_inputs_are_computed_once(workplace, settings):
    first = double(workplace, growth=Growth(), source=result_with())
    again = double(workplace, growth=Growth(), source=result_with())
    elsewhere = double(open_workplace(settings), growth=Growth(), source=result_with())
    assert calls == ["double"]
    assert [r.reused for r in (first, again, elsewhere)] == [False, True, True]
    assert again.digest() == first.digest()
    assert again.outputs == first.outputs
    assert [r.reused for r in workplace.results] == [False, True]


def test_a_reused_result_says_how_long_computing_it_took(workplace, monkeypatch):
    clock = SimpleNamespace(monotonic=iter([10.0, 14.5]).__next__)
    monkeypatch.setattr("tasks.stage.time", clock)
    first, again = (double(workplace, growth=Growth(), source=result_with()) for _ in range(2))
    assert (first.seconds, again.seconds, again.reused) == (4.5, 4.5, True)


def test_other_params_digests_and_versions_are_computed(workplace):
    double(workplace, growth=Growth(), source=result_with())
    double(workplace, growth=Growth(factor=3), source=result_with())
    double(workplace, growth=Growth(), source=result_with("b" * 64))
    double(workplace, growth=Growth(), source=result_with(facts={"size": 1}))
    double_again(workplace, growth=Growth(), source=result_with())
    assert len(calls) == 5


def test_time_and_origin_of_an_input_do_not_count(workplace):
    double(workplace, growth=Growth(), source=[dataset("/a"), result_with(seconds=1.0)])
    double(workplace, growth=Growth(), source=[dataset("/b"), result_with(seconds=9.0, key="z")])
    assert len(calls) == 1
    double(workplace, growth=Growth(), source=[dataset("/a", "1" * 32), result_with()])
    assert len(calls) == 2


@pytest.mark.parametrize("damage", ["missing", "changed", "record"])
def test_what_is_damaged_is_computed_again(workplace, damage):
    first = double(workplace, growth=Growth(), source=None)
    objects = workplace.objects
    if damage == "missing":
        objects.delete(first.outputs["values"].uri)
    elif damage == "changed":
        objects.put(first.outputs["values"].uri, b"something else")
    else:
        objects.put(f"stages/double/{first.key}.json", b'{"name": 3}')
    again = double(workplace, growth=Growth(), source=None)
    assert not again.reused
    assert len(calls) == 2
    values = workplace.artifacts.load_tensors(again.outputs["values"])["x"]
    assert values.tolist() == [0, 2, 4]
    assert double(workplace, growth=Growth(), source=None).reused


def test_a_record_that_cannot_be_read_now_says_that_the_store_is_away(workplace, monkeypatch):
    double(workplace, growth=Growth(), source=result_with())

    def away(key):
        raise StoreAwayError("expected an answer (got none)")

    monkeypatch.setattr(workplace.objects, "exists", away)
    # Neither computed again nor taken for another failure, after which a run is not recovered.
    with pytest.raises(StoreAwayError, match="record of stage double"):
        double(workplace, growth=Growth(), source=result_with())
    assert calls == ["double"]


def test_a_failing_stage_leaves_no_record_and_keeps_its_scratch_folder(workplace, settings):
    with pytest.raises(ParamsError):
        double(workplace, growth=Growth(), source=None, note="fail")
    assert list(workplace.objects.list("stages/")) == []
    assert workplace.results == []
    assert [path for path in (settings.home / "work").iterdir() if path.is_dir()]


@pytest.mark.parametrize("how", ["called", "looked up"])
def test_checkpoints_of_a_process_killed_right_after_its_record_are_removed(workplace, how):
    given = {"growth": Growth(), "source": None}
    left = workplace.scratch_folder(double(workplace, **given).key)
    left.mkdir(parents=True)
    (left / "epoch-000001").touch()
    assert (double(workplace, **given) if how == "called" else double.find(workplace, given)).reused
    assert not left.exists()


def test_fresh_computes_again(settings):
    double(open_workplace(settings), growth=Growth(), source=None)
    double(open_workplace(settings, fresh=True), growth=Growth(), source=None)
    assert len(calls) == 2


SLOW = """
import sys, time
from pathlib import Path
from tasks.settings import Settings
from tasks.stage import stage
from tasks.workplace import open_workplace

@stage("slow", version=1)
def slow(work, *, log):
    with open(log, "a") as stream:
        stream.write("computed\\n")
    time.sleep(0.5)
    return {"done": True}

def go():
    slow(open_workplace(Settings(home=Path(sys.argv[1]))), log=sys.argv[2])
"""


def test_two_processes_compute_one_key_once(tmp_path, settings):
    (tmp_path / "slow_stage.py").write_text(SLOW)
    log = tmp_path / "log"
    command = [sys.executable, "-c", "import slow_stage; slow_stage.go()"]
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.getcwd()}"}
    # Not forked from here: a worker that has talked to Prefect holds locks that a fork inherits.
    both = [
        subprocess.Popen([*command, str(settings.home), str(log)], env=environment) for _ in "ab"
    ]
    assert [process.wait(60) for process in both] == [0, 0]
    assert log.read_text() == "computed\n"


def test_inputs_of_other_types_are_refused(workplace):
    for value in (object(), torch.zeros(2), {1, 2}, lambda: 0):
        with pytest.raises(TypeError, match="expected a stage result"):
            double(workplace, growth=Growth(), source=value)
    with pytest.raises(TypeError, match="keyword arguments only"):
        double(workplace, Growth(), source=None)
    assert calls == []


def test_facts_are_read_by_their_type():
    result = result_with(facts={"share": 0.5, "ids": [1, 2], "name": "x"})
    assert result.number("share") == 0.5
    assert result.int_list("ids") == [1, 2]
    with pytest.raises(TypeError):
        result.number("name")
    with pytest.raises(TypeError):
        result.int_list("share")


def test_a_described_input_is_json():
    described = describe_input({"d": dataset(), "r": (result_with(), 1.5, None, True)})
    assert json.loads(json.dumps(described)) == described
    assert described["d"] == {"md5": "0" * 32}


def test_what_a_stage_is_about_reaches_people_but_not_its_key(workplace):
    told = []
    workplace.listeners = (told.append,)
    with workplace.about("edited graphs, seed 1"):
        first = double(workplace, growth=Growth(), source=result_with())
    with workplace.about("something else"):
        again = double(workplace, growth=Growth(), source=result_with())
    assert {event.title for event in told} == {"double: edited graphs, seed 1"}
    assert again.reused
    assert again.key == first.key
    assert workplace.subject == ""
