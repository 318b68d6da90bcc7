import json

import pytest

from benchmarks.correction.arms import all_arms
from benchmarks.correction.merging import (
    check_reproduces,
    complete_arms,
    dump_trials,
    load_trials,
    merge,
)
from benchmarks.correction.settings import describe_params
from benchmarks.correction.trial import Trial
from feedback.errors import ArtifactError, ParamsError
from flows.params import load_params

TENTH = 0.1 + 0.2
"""A number that is not the one it looks like."""


def known():
    return Trial(
        scores={"original": [{"all": TENTH}], "random, pool": [{"all": 0.5}]},
        teachers={"edited": [{"validation": 0.75}], "random": [{"validation": 0.5}]},
        facts={"agreement": 0.9, "edits": 3},
        seconds={"distil": 7.0},
    )


@pytest.fixture
def kept(tmp_path):
    def write(trials, params):
        result = {"trials": dump_trials(trials), "settings": {"params": describe_params(params)}}
        path = tmp_path / "correction_demo.json"
        path.write_text(json.dumps({"result": result}))
        return path

    return write


def test_trials_come_back_from_a_result_as_they_were(kept):
    params = load_params(None, ())
    assert load_trials(kept({3: known(), 1: Trial()}, params), params) == {1: Trial(), 3: known()}


def test_without_a_result_there_is_nothing_to_add_to(tmp_path):
    assert load_trials(tmp_path / "none.json", load_params(None, ())) == {}


def test_other_settings_are_refused_and_settings_that_change_no_number_are_not(kept):
    path = kept({1: known()}, load_params(None, ()))
    with pytest.raises(ParamsError, match="got others in distillation"):
        load_trials(path, load_params(None, ("distillation.epochs=6",)))
    same = ("review.reviewer=inbox", "channels.concept_graph.reasoner.publish_anyway=true")
    assert load_trials(path, load_params(None, same)) == {1: known()}


def test_a_seed_that_comes_out_as_before_may_be_added_to():
    found = Trial(
        scores={"original": [{"all": TENTH}], "new": [{"all": 1.0}]},
        teachers={
            "edited": [{"validation": 0.75, "conflict": 0.4}],
            "random": [{"validation": 0.5}, {"validation": 0.25}],
        },
        facts={"agreement": 0.9, "edits": 3, "l1": 0.1},
    )
    check_reproduces(known(), found)
    check_reproduces(known(), Trial(scores={"original": [{"all": TENTH}]}))
    merged = merge(known(), found)
    assert set(merged.scores) == {"original", "random, pool", "new"}
    assert merged.teachers["edited"] == [{"validation": 0.75, "conflict": 0.4}]
    assert len(merged.teachers["random"]) == 2


@pytest.mark.parametrize(
    ("found", "named"),
    [
        (Trial(scores={"original": [{"all": 0.3}]}), "all of arm 'original'"),
        (Trial(teachers={"random": [{"validation": 0.25}]}), "validation of teacher 'random'"),
        (Trial(facts={"edits": 4}), "edits of the trial"),
    ],
)
def test_a_seed_that_comes_out_otherwise_by_the_last_bit_is_not_added_to(found, named):
    with pytest.raises(ArtifactError, match=named):
        check_reproduces(known(), found)


def test_an_arm_is_complete_when_it_has_all_its_draws():
    arms = all_arms(2)
    everything = Trial(scores={arm.name: [{}, {}] for arm in arms})
    assert complete_arms(everything, arms) == {arm.name for arm in arms}
    fewer = Trial(scores=everything.scores | {"random, pool": [{}]})
    assert {arm.name for arm in arms} - complete_arms(fewer, arms) == {"random, pool"}
