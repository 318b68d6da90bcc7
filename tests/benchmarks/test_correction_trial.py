"""One seed of the benchmark on the shapes, with a few arms, and the same seed added to."""

import json

import pytest

from benchmarks.correction.arms import all_arms
from benchmarks.correction.merging import check_reproduces, complete_arms, merge
from benchmarks.correction.trial import run_trial
from feedback.errors import ArtifactError
from flows.params import load_params
from tasks.settings import Settings
from tasks.workplace import open_workplace
from tests.shapes import tiny_overrides, write_shapes

WANTED = ("hard labels", "edited, pool", "unmodified with copies, pool")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The shapes, half of whose test images count as conflicting."""
    folder = write_shapes(tmp_path_factory.mktemp("world") / "shapes")
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.glob("test/*/*.png"))]
    meta = {name: {"condition": ("clean", "conflict")[i % 2]} for i, name in enumerate(names)}
    (folder / "meta.json").write_text(json.dumps(meta))
    return folder


@pytest.fixture(scope="module")
def measure(world, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    params = load_params(None, tiny_overrides(concept_graph__classes='["bars", "squares"]'))
    arms = [arm for arm in all_arms(0) if arm.name in WANTED]

    def run(**asked):
        workplace = open_workplace(Settings(home=home))
        found = run_trial(workplace, world, params, arms, 0, **asked)
        return found, [result.name for result in workplace.results if not result.reused]

    return run, arms


@pytest.fixture(scope="module")
def whole(measure):
    return measure[0]()


def test_every_arm_and_every_teacher_is_scored_on_its_groups(whole):
    trial, computed = whole
    assert set(trial.scores) == {"original", *WANTED}
    for (row,) in trial.scores.values():
        assert set(row) == {"conflict", "clean", "edited", "others", "all"}
        # Two of three classes were edited; conflict and clean images are as many.
        assert row["all"] == pytest.approx((2 * row["edited"] + row["others"]) / 3)
        assert row["edited"] == pytest.approx((row["conflict"] + row["clean"]) / 2)
    assert set(trial.teachers) == {"classifier", "unmodified", "edited", "unmodified with copies"}
    for name, (row,) in trial.teachers.items():
        known = {"conflict", "clean", "edited", "validation"}
        assert set(row) == known | ({"background"} if name != "classifier" else set())
    assert set(trial.facts) == {"agreement", "l1", "edits"}
    assert computed.count("distil") == 3
    assert set(trial.seconds) == set(computed)


def test_a_seed_that_is_added_to_tries_what_it_lacks_and_ends_the_same(whole, measure):
    run, arms = measure
    trial, _ = whole
    scores = {name: rows for name, rows in trial.scores.items() if name != "edited, pool"}
    known = type(trial)(scores, trial.teachers, trial.facts, trial.seconds)
    left_out = complete_arms(known, arms)
    assert left_out == {"hard labels", "unmodified with copies, pool"}
    found, computed = run(left_out=left_out, check=lambda found: check_reproduces(known, found))
    assert computed == []
    assert set(found.scores) == {"original", "edited, pool"}
    assert merge(known, found).scores == trial.scores


def test_a_seed_that_comes_out_otherwise_is_refused_before_any_teacher_is_fitted(whole, measure):
    run, _ = measure
    trial, _ = whole
    known = type(trial)(facts=trial.facts | {"l1": trial.facts["l1"] + 1e-12})
    seen = []

    def check(found):
        seen.append(dict(found.teachers))
        check_reproduces(known, found)

    with pytest.raises(ArtifactError, match="l1 of the trial"):
        run(check=check)
    assert seen == [{}]
