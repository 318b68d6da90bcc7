"""One seed of the squares' benchmark on a few rendered shapes, from its world to its table."""

import json

import pytest

from benchmarks.saliency import trial as trials
from benchmarks.saliency import worlds
from benchmarks.saliency.__main__ import BASELINE, LOOKING, MEASURES, SETTINGS, summarise
from benchmarks.saliency.arms import all_arms
from benchmarks.saliency.trial import CONFLICT
from flows.params import load_params
from models.saliency_grid.params import PenaltyParams
from tasks.settings import Settings
from tasks.workplace import open_workplace

pytestmark = pytest.mark.slow
SEED = 3
MARKED = "marked squares, squared, 10 %"
TWINS = {
    f"random squares, {form}, 10 %": f"marked squares, {form}, 10 %"
    for form in ("squared", "difference", "linear")
}
TINY = (
    "channel=saliency_grid",
    *SETTINGS["decoy"],
    "training.image_size=48",
    "training.epochs=4",
    "training.batch_size=8",
    "classifier.width=0.125",
    "saliency_grid.sampling.rounds=2",
    "saliency_grid.sampling.first_epoch=1",
    "saliency_grid.sampling.every=1",
    "saliency_grid.sampling.n_images=4",
)


def say_what_is_misled(folder):
    """Call the first test image of each class one on which the shortcut misleads."""
    names = [path.relative_to(folder).as_posix() for path in folder.glob("test/*/*.png")]
    conditions = {name: "conflict" if name.endswith("000.png") else "clean" for name in names}
    meta = {name: {"condition": condition} for name, condition in conditions.items()}
    (folder / "meta.json").write_text(json.dumps(meta))


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """What a seed found, its arms, every request, and the marks of every part of a training."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worlds, "N_TRAIN", 40)
        patch.setattr(worlds, "N_TEST", 3)
        folders = worlds.make_world("decoy", SEED, home / "worlds", None)
    say_what_is_misled(folders["full"])
    workplace = open_workplace(Settings(home=home))
    params = load_params(None, TINY)
    arms = all_arms(has_clean=True, strengths=(10.0,))
    requests, marks = [], []
    ask, train = trials.build_review_bundle.fn, trials.train_guided.fn

    def asked(*given, **named):
        bundle, files = ask(*given, **named)
        requests.append(bundle)
        return bundle, files

    def trained(*given, **named):
        marks.append(named["marks"])
        return train(*given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trials.build_review_bundle, "fn", asked)
        patch.setattr(trials.train_guided, "fn", trained)
        found = trials.run_trial(workplace, folders, params, arms, SEED)
    parts = iter(marks)
    # Before the first round, and after each; without marks it is one part.
    marks_of = {
        name: [next(parts) for _ in range(1 if arm.marks == "none" else 3)]
        for name, arm in arms.items()
    }
    assert next(parts, None) is None
    return found, arms, requests, marks_of


def test_every_arm_is_scored_and_has_its_row(measured):
    trial, arms, _, _ = measured
    assert list(trial.scores) == list(arms)
    for row in trial.scores.values():
        assert set(row) == set(MEASURES)
        assert 0 <= row["accuracy"] <= 1
        # One image of each of six classes.
        assert 6 * row[CONFLICT] == pytest.approx(round(6 * row[CONFLICT]))
        assert row["minimum loss"] <= row["loss"] + 1e-6
    table = summarise({SEED: trial})["table"]
    assert [row[0] for row in table["rows"]] == list(arms)
    assert {len(row) for row in table["rows"]} == {1 + len(MEASURES) + len(LOOKING)}
    assert trial.scores[MARKED] != trial.scores[BASELINE]


def test_where_nobody_says_what_misleads_nothing_is_told_of_it(measured):
    trial, *_ = measured
    scores = {
        arm: {name: value for name, value in row.items() if name != CONFLICT}
        for arm, row in trial.scores.items()
    }
    table = summarise({SEED: trials.Trial(scores, trial.facts)})["table"]
    assert CONFLICT not in table["header"]
    assert {len(row) for row in table["rows"]} == {len(MEASURES) + len(LOOKING)}


def test_each_round_asks_about_other_images_and_says_which_it_is(measured):
    trial, _, requests, _ = measured
    first, second = requests[:2]
    assert [one.round for one in requests] == [1, 2] * (len(requests) // 2)
    assert [len(one.items) for one in (first, second)] == [4, 4]
    assert not {item.id for item in first.items} & {item.id for item in second.items}
    assert trial.facts[MARKED]["clicks"] > 0


def test_random_squares_are_as_many_on_the_same_images_in_every_round(measured):
    trial, arms, requests, marks_of = measured
    for random, marked in TWINS.items():
        assert marks_of[random][0] == marks_of[marked][0] == []
        for drawn, given in zip(marks_of[random][1:], marks_of[marked][1:], strict=True):
            assert [one["image"] for one in drawn] == [one["image"] for one in given] != []
            assert [_values(one) for one in drawn] == [_values(one) for one in given]
            assert [one["weights"] for one in drawn] != [one["weights"] for one in given]
        for fact in ("clicks", "marked_images", "original.marked_share"):
            assert trial.facts[random][fact] == trial.facts[marked][fact] > 0
    # Nobody is asked for them.
    assert len(requests) == 2 * sum(arm.marks == "marked" for arm in arms.values())


@pytest.mark.parametrize("form", ["squared", "linear"])
def test_sensitivity_is_to_a_multiple_of_the_lambda_that_the_arm_had(measured, form):
    trial, arms, _, _ = measured
    name, around = f"marked squares, {form}, lambda x 10", f"marked squares, {form}, 10 %"
    assert arms[name].around == around
    assert trial.facts[name]["lambda"] == pytest.approx(10 * trial.facts[around]["lambda"])
    # It is set: one that is found has a bound on its gradient, which makes its multiples alike.
    found = arms[name].penalty_of(PenaltyParams(), 0.5)
    assert (found.strength, found.is_balanced) == (5.0, False)


def test_random_squares_without_the_marked_ones_are_refused(tmp_path):
    arms = {name: arm for name, arm in all_arms(has_clean=False).items() if name in TWINS}
    with pytest.raises(ValueError, match="expected the marked squares of"):
        trials.run_trial(
            open_workplace(Settings(home=tmp_path)), {}, load_params(None, TINY), arms, SEED
        )


def _values(mark):
    return sorted(value for row in mark["weights"] for value in row)
