"""One seed of the squares' benchmark on a few rendered shapes, from its world to its table."""

import pytest

from benchmarks.saliency import trial as trials
from benchmarks.saliency import worlds
from benchmarks.saliency.__main__ import BASELINE, LOOKING, MEASURES, SETTINGS, summarise
from flows.params import load_params
from tasks.settings import Settings
from tasks.workplace import open_workplace

pytestmark = pytest.mark.slow
SEED = 3
MARKED = "marked squares, squared, 10 %"
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


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """What a seed found, its stages, its arms, and every request that was made."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worlds, "N_TRAIN", 40)
        patch.setattr(worlds, "N_TEST", 3)
        folders = worlds.make_world("decoy", SEED, home / "worlds", None)
    workplace = open_workplace(Settings(home=home))
    params = load_params(None, TINY)
    arms = trials.all_arms(has_clean=True)
    requests = []
    ask = trials.build_review_bundle.fn

    def asked(*given, **named):
        bundle, files = ask(*given, **named)
        requests.append(bundle)
        return bundle, files

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trials.build_review_bundle, "fn", asked)
        found = trials.run_trial(workplace, folders, params, arms, SEED)
    return found, workplace, arms, requests


def test_every_arm_is_scored_and_has_its_row(measured):
    trial, _, arms, _ = measured
    assert list(trial.scores) == list(arms)
    for row in trial.scores.values():
        assert set(row) == set(MEASURES)
        assert 0 <= row["accuracy"] <= 1
        assert row["minimum loss"] <= row["loss"] + 1e-6
    table = summarise({SEED: trial})["table"]
    assert [row[0] for row in table["rows"]] == list(arms)
    assert {len(row) for row in table["rows"]} == {1 + len(MEASURES) + len(LOOKING)}
    assert trial.scores[MARKED] != trial.scores[BASELINE]


def test_each_round_asks_about_other_images_and_says_which_it_is(measured):
    trial, _, _, requests = measured
    first, second = requests[:2]
    assert [one.round for one in requests] == [1, 2] * (len(requests) // 2)
    assert [len(one.items) for one in (first, second)] == [4, 4]
    assert not {item.id for item in first.items} & {item.id for item in second.items}
    assert trial.facts[MARKED]["clicks"] > 0
