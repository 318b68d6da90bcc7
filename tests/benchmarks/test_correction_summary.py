from collections import Counter

from benchmarks.correction.arms import all_arms
from benchmarks.correction.summary import PAIRS, summarise
from benchmarks.correction.teachers import params_of
from benchmarks.correction.trial import Trial
from benchmarks.correction.worlds import PETS_CLASSES, _cue
from models.concept_graph.params import ConceptGraphParams

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
    drawn = [arm for arm in arms if arm.teacher is not None and arm.teacher.graphs == "random"]
    assert len(drawn) == 2 * 3
    others = [arm.name for arm in arms if arm not in drawn]
    assert len(set(others)) == len(others)


def test_more_draws_make_more_students_over_the_pool_alone():
    counted = Counter(arm.name for arm in all_arms(10))
    expected = {"random, pool": 10, "random, train": 2, "random, both": 2}
    assert {name: n for name, n in counted.items() if n > 1} == expected


def test_the_papers_own_form_is_one_reasoner_at_its_temperature_without_copies():
    arms = {arm.name: arm for arm in all_arms(1)}
    arm = arms["edited, paper's form, train"]
    assert arm.settings == {"transfer": "train", "temperature_reasoner": 3.0}
    assert arm.teacher is not None
    params = params_of(arm.teacher, ConceptGraphParams())
    assert (params.reasoner.n_seeds, params.copies.blank, params.copies.transplant) == (1, 0, 0)
    other = arms["edited, train"].teacher
    assert other is not None
    assert params_of(other, ConceptGraphParams()) == ConceptGraphParams()


def test_every_pair_that_is_compared_is_of_arms_that_there_are():
    names = {"original", *(arm.name for arm in all_arms(1))}
    assert {name for pair in PAIRS for name in pair} <= names


def test_an_arm_that_a_seed_lacks_is_left_out_of_the_means():
    whole = trial(0.2, [0.4])
    part = Trial(scores={"original": whole.scores["original"]}, facts={"edits": 1})
    assert list(summarise({1: whole, 2: part})["arms"]) == ["original"]


def test_draws_below_the_edit_are_counted_within_their_seed():
    found = {}
    for seed, edited, drawn in ((1, 0.5, (0.4, 0.5, 0.6)), (2, 0.9, (0.1, 0.2, 0.3))):
        found[seed] = trial(0.2, [edited])
        found[seed].scores["random, pool"] = [dict.fromkeys(GROUPS, value) for value in drawn]
    result = summarise(found)
    (place,) = [row for row in result["drawn"] if row["group"] == "conflict"]
    assert (place["draws"], place["worse"], place["equal"]) == (6, 4, 1)
    (row,) = [row for row in result["table"]["rows"] if row[0].startswith("random, pool")]
    assert row[0] == "random, pool (6 draws)"
    assert row[1] == "0.350 ± 0.212 (0.10 to 0.60)"


def test_a_difference_beyond_doubt_is_bold_and_a_world_without_conflict_has_one_column_less():
    # Differences 0.3 and 0.3: certain. Of 0.0 and 0.2 the interval holds 0.
    def scores(value, others):
        return {"clean": value, "edited": value, "others": others, "all": value}

    trials = {
        seed: Trial(scores={"original": [scores(0.2, 0.5)], "edited, pool": [scores(0.5, others)]})
        for seed, others in ((1, 0.5), (2, 0.7))
    }
    table = summarise(trials)["differences"]
    assert table["header"][1:] == ["edited", "others", "all"]
    (row,) = table["rows"]
    assert row[:2] == ["edited, pool − original", "**+30.0 [+30.0, +30.0]**"]
    assert row[2].startswith("+10.0 [-")


def test_teachers_are_told_with_what_is_known_of_them():
    def asked(**values):
        return Trial(
            scores={"original": [dict.fromkeys(GROUPS, 0.2)]},
            teachers={"classifier": [{"conflict": 0.25}], "edited": [values | {"conflict": 0.5}]},
        )

    table = summarise({1: asked(background=0.1), 2: asked(background=0.3)})["teachers"]
    assert table["header"] == ["2 seeds", "background", "conflict"]
    assert table["rows"] == [
        ["classifier", "–", "0.250 ± 0.000"],
        ["edited", "0.200 ± 0.141", "0.500 ± 0.000"],
    ]


def test_a_conflicting_sticker_is_never_the_classes_own():
    import numpy as np

    rng = np.random.default_rng(0)
    for own, name in enumerate(PETS_CLASSES):
        drawn = {_cue(name, "test", rng) for _ in range(100)}
        assert drawn == {None, *range(3)} - {own}
        assert {_cue(name, "train", rng) for _ in range(100)} == {None, own}
    assert _cue("pug", "train", rng) is None
