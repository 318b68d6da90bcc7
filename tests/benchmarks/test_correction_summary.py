from benchmarks.correction.arms import all_arms
from benchmarks.correction.summary import summarise
from benchmarks.correction.trial import Trial
from benchmarks.correction.worlds import PETS_CLASSES, _cue

GROUPS = ("conflict", "clean", "edited", "others", "all")


def trial(original, edited):
    def score(value):
        return dict.fromkeys(GROUPS, value)

    return Trial(
        scores={"original": [score(original)], "edited, pool": [score(v) for v in edited]},
        facts={"edits": 1},
    )


def test_draws_of_a_seed_are_averaged_before_seeds_are_compared():
    found = summarise({1: trial(0.2, [0.4, 0.6]), 2: trial(0.4, [0.8, 0.8])})
    arm = found["arms"]["edited, pool"]["conflict"]
    assert arm["values"] == [0.5, 0.8]
    assert (arm["n_draws"], arm["draw_min"], arm["draw_max"]) == (4, 0.4, 0.8)
    pair = next(row for row in found["paired"] if row["group"] == "conflict")
    assert (pair["arm"], pair["against"]) == ("edited, pool", "original")
    assert abs(pair["mean"] - 0.35) < 1e-12
    assert pair["low"] < pair["mean"] < pair["high"]


def test_one_seed_shows_no_deviation_and_no_interval():
    found = summarise({1: trial(0.2, [0.5])})
    assert found["paired"] == []
    assert found["table"]["header"][0] == "one seed"
    assert found["table"]["rows"][0][1] == "0.200"


def test_every_arm_says_over_which_images_it_is_taught():
    arms = all_arms(2)
    assert all(arm.settings["transfer"] in {"train", "pool", "both"} for arm in arms)
    assert sum(arm.graphs == "random" for arm in arms) == 4
    names = {arm.name for arm in arms if arm.graphs != "random"}
    assert len(names) == len([arm for arm in arms if arm.graphs != "random"])


def test_a_conflicting_sticker_is_never_the_classes_own():
    import numpy as np

    rng = np.random.default_rng(0)
    for own, name in enumerate(PETS_CLASSES):
        drawn = {_cue(name, "test", rng) for _ in range(100)}
        assert drawn == {None, *range(3)} - {own}
        assert {_cue(name, "train", rng) for _ in range(100)} == {None, own}
    assert _cue("pug", "train", rng) is None
