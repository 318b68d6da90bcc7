"""The same stage for many subjects, on threads and on processes."""

import importlib.util
import os
import pickle
import time

import pytest
import torch
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from pydantic import ValidationError

import tasks.fan_out
from feedback.errors import OrchestrationError, ParamsError
from models.classifier import build_classifier
from models.concept_graph.params import ConceptGraphParams
from models.params import ClassifierParams
from tasks.channels.concept_graph import mining
from tasks.channels.concept_graph.correcting import distil
from tasks.channels.concept_graph.mining import embed_segments, mine_class
from tasks.channels.concept_graph.reasoning import fit_teacher
from tasks.device import cpu_threads
from tasks.fan_out import FanOutParams, check_runner, fan_out
from tasks.settings import Settings
from tasks.stage import stage
from tasks.workplace import open_workplace
from tests.tasks.channels.concept_graph.conftest import staged as staged  # a fixture

PATIENCE = 60.0
TWO = FanOutParams(workers=2)


@task(name="meet", cache_policy=NO_CACHE)
@stage("meet", version=1)
def meet(work, *, folder, who, n):
    """Come to a place and wait there until all of n came: impossible one after the other."""
    with open(f"{folder}/{who}", "w") as mark:
        mark.write(str(os.getpid()))
    until = time.monotonic() + PATIENCE
    while len(os.listdir(folder)) < n:
        assert time.monotonic() < until, "nobody else came"
        time.sleep(0.02)
    return {"process": os.getpid()}


@task(name="stumble", cache_policy=NO_CACHE)
@stage("stumble", version=1)
def stumble(work, *, over):
    if over == "stone":
        raise ValueError("expected a clear path (got a stone)")
    return {}


@task(name="count-threads", cache_policy=NO_CACHE)
@stage("count_threads", version=1)
def count_threads(work, *, folder, who, n):
    """Say how many cores tensors take here while all of n compute."""
    meet.fn._function(work, folder=folder, who=who, n=n)
    work.progress(1, 2, "half way")
    return {"threads": torch.get_num_threads()}


@task(name="remember", cache_policy=NO_CACHE)
@stage("remember", version=1)
def remember(work, *, who):
    return {"made": work.latest("slot", "one", lambda: who)}


@pytest.fixture
def place(tmp_path, prefect_server):
    """Return a workplace that notes what it is told."""
    workplace = open_workplace(Settings(home=tmp_path / "home"))
    told = []
    workplace.on_finished = (lambda result: told.append((workplace.subject, result.reused)),)
    workplace.told = told
    return workplace


def spread(workplace, of, subjects, params):
    @flow(name="spread", validate_parameters=False)
    def spreading():
        return fan_out(workplace, of, subjects, params)

    return spreading()


def meeting(tmp_path, *names):
    folder = tmp_path / "place"
    folder.mkdir()
    return {name: {"folder": str(folder), "who": name, "n": len(names)} for name in names}


def test_threads_compute_at_the_same_time_and_are_told_of_in_order(place, tmp_path):
    subjects = meeting(tmp_path, "b", "a")
    results = spread(place, meet, subjects, TWO)
    assert [result.facts["process"] for result in results] == [os.getpid()] * 2
    assert place.told == [("b", False), ("a", False)]
    assert place.results == results


def test_threads_share_the_cores_and_give_them_back(place, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)))
    before = torch.get_num_threads()
    results = spread(place, count_threads, meeting(tmp_path, "a", "b"), TWO)
    assert [result.facts["threads"] for result in results] == [3, 3]
    assert torch.get_num_threads() == before


def test_what_is_left_of_a_killed_run_gets_the_cores_that_it_would_have_had(
    place, tmp_path, monkeypatch
):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)))
    subjects = {who: given | {"n": 1} for who, given in meeting(tmp_path, "a", "b").items()}
    spread(place, count_threads, {"a": subjects["a"]}, TWO)
    results = spread(place, count_threads, subjects, TWO)
    assert [result.reused for result in results] == [True, False]
    assert results[1].facts["threads"] == 3


def test_threads_tell_how_far_each_of_them_is(place, tmp_path):
    heard = []
    place.listeners = (heard.append,)
    spread(place, count_threads, meeting(tmp_path, "a", "b"), TWO)
    advanced = [event for event in heard if event.state == "advanced"]
    assert {event.detail for event in advanced} == {"a: half way", "b: half way", "a", "b"}
    assert max(event.done for event in advanced) == 2
    assert {event.total for event in advanced} == {2}
    assert [event.state for event in heard][:: len(heard) - 1] == ["started", "finished"]


def test_threads_of_one_fan_out_share_a_memory(place):
    results = spread(place, remember, {who: {"who": who} for who in "ab"}, TWO)
    assert len({result.facts["made"] for result in results}) == 1
    assert place.memory == {}


def test_a_gpu_is_taken_by_one_after_the_other(place, monkeypatch):
    asked = []
    runner = tasks.fan_out._task_runner
    monkeypatch.setattr(
        tasks.fan_out, "_task_runner", lambda given, n: asked.append(n) or runner(given, n)
    )
    for kind, takes_gpu in (("cuda", True), ("cuda", False), ("cpu", True)):
        monkeypatch.setattr("tasks.device.best_device", lambda kind=kind: torch.device(kind))
        subjects = {who: {"over": f"{who} {kind} {takes_gpu}"} for who in "ab"}

        @flow(name="spread", validate_parameters=False)
        def spreading(subjects=subjects, takes_gpu=takes_gpu):
            return fan_out(place, stumble, subjects, TWO, takes_gpu=takes_gpu)

        spreading()
    assert asked == [1, 2, 2]


def test_what_is_known_starts_no_runner(place, tmp_path, monkeypatch):
    subjects = meeting(tmp_path, "a", "b")
    first = spread(place, meet, subjects, TWO)
    monkeypatch.setattr(tasks.fan_out, "_task_runner", lambda *_: pytest.fail("a runner started"))
    again = spread(place, meet, subjects, TWO)
    assert [result.digest() for result in again] == [result.digest() for result in first]
    assert place.told[2:] == [("a", True), ("b", True)]


def test_an_error_of_one_subject_ends_the_fan_out_and_keeps_the_others(place):
    subjects = {"stone": {"over": "stone"}, "grass": {"over": "grass"}}
    with pytest.raises(ValueError, match="got a stone"):
        spread(place, stumble, subjects, TWO)
    assert stumble.fn.find(place, subjects["grass"]) is not None
    assert place.told == []


def test_a_runner_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    params = FanOutParams(runner="ray", address="127.0.0.1:6379")
    with pytest.raises(ParamsError, match=r"install it with `pip install 'parley\[ray\]'`"):
        check_runner(params)
    check_runner(TWO)


def test_ray_is_not_started_for_it_would_listen_on_every_interface():
    with pytest.raises(ValidationError, match=r"expected fan_out\.address"):
        FanOutParams(runner="ray")


def test_a_workplace_travels_by_the_settings_of_the_run_or_of_where_it_arrives(
    tmp_path, monkeypatch
):
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path)
    workplace = open_workplace(Settings(home="home"), fresh=True)
    workplace.pinned = {"a": "b"}
    sent = [pickle.dumps(workplace.detached(elsewhere=apart)) for apart in (False, True)]
    monkeypatch.chdir(tmp_path / "there")
    monkeypatch.setenv("PARLEY_HOME", str(tmp_path / "there" / "own"))
    near, far = map(pickle.loads, sent)
    assert near.settings.home == tmp_path / "home"
    assert near.objects.url == (tmp_path / "home" / "store").as_uri()
    assert far.settings.home == tmp_path / "there" / "own"
    assert (near.fresh, near.pinned) == (True, {"a": "b"})


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_named(place, monkeypatch):
    pytest.importorskip("prefect_dask")
    import dask

    nowhere = FanOutParams(runner="dask", address="tcp://127.0.0.1:9")
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(OrchestrationError, match=r"check fan_out\.address"),
    ):
        spread(place, stumble, {"grass": {"over": "grass"}}, nowhere)


@pytest.mark.slow
def test_dask_computes_in_two_processes(place, tmp_path):
    pytest.importorskip("prefect_dask")
    results = spread(
        place, meet, meeting(tmp_path, "a", "b"), FanOutParams(runner="dask", workers=2)
    )
    processes = {result.facts["process"] for result in results}
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert place.told == [("a", False), ("b", False)]


@pytest.mark.slow
@pytest.mark.parametrize("runner", ["threads", "dask"])
def test_classes_mined_at_the_same_time_are_those_mined_one_by_one(
    staged, runner, prefect_server, monkeypatch
):
    if runner == "dask":
        pytest.importorskip("prefect_dask")
    channel: ConceptGraphParams = staged.channel
    workplace, basis = staged.workplace.detached(), staged.basis
    embedded = embed_segments.fn(
        workplace, basis=basis, gate=channel.gate, clusters=channel.clusters
    )
    given = {"basis": basis, "embedded": embedded, "params": channel, "seed": 0}
    subjects = {str(c): given | {"class_id": c} for c in basis.class_ids}
    alone = [mine_class.fn(workplace, **subject) for subject in subjects.values()]
    workplace.fresh = True
    loaded, load = [], mining.load_universe
    monkeypatch.setattr(mining, "load_universe", lambda *given: loaded.append(1) or load(*given))
    together = spread(workplace, mine_class, subjects, FanOutParams(runner=runner, workers=2))
    assert not any(result.reused for result in together)
    assert len(loaded) == (1 if runner == "threads" else 0)  # of this process
    # Content-addressed: equal digests are equal bits.
    assert [result.digest() for result in together] == [result.digest() for result in alone]


@pytest.mark.slow
def test_students_taught_at_the_same_time_are_those_taught_one_by_one(
    staged, prefect_server, monkeypatch
):
    """With dropout, which must not be drawn from what the other threads draw from."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    workplace = staged.workplace.detached()
    workplace.fresh = True
    params = ClassifierParams(arch="squeezenet1_1", width=0.125)
    network = build_classifier(params, 3, seed=0)
    classifier = staged.save(
        "train_classifier",
        tensors={
            "model": network.state_dict(),
            "split": staged.tensors(staged.basis.classifier, "split"),
        },
        json={"spec": {"params": params.model_dump(), "classes": list("abc")}},
    )
    graphs = staged.work.load_json(staged.concepts, "graphs")
    teacher = fit_teacher.fn(
        workplace,
        basis=staged.basis,
        concepts=staged.concepts,
        graphs=graphs,
        params=staged.channel,
        seed=0,
    )
    given = {
        "basis": staged.basis.model_copy(update={"classifier": classifier}),
        "teacher": teacher,
        "unmodified": teacher,
        "original": graphs,
        "graphs": graphs,
        "params": staged.params.distillation,
    }
    subjects = {f"seed {seed}": given | {"seed": seed} for seed in range(4)}
    with cpu_threads(1):
        alone = [distil.fn(workplace, **subject) for subject in subjects.values()]
    together = spread(workplace, distil, subjects, TWO)
    assert not any(result.reused for result in together)
    assert [result.digest() for result in together] == [result.digest() for result in alone]
    assert len({result.outputs["model"].sha256 for result in together}) == 4
