from collections import Counter

import pytest

from tasks.demo.cues import CUES
from tasks.demo.plan import CARRIERS, CLASSES, family_of, plan_split


def test_there_are_twelve_classes_in_index_order():
    assert len(CLASSES) == 12
    assert list(CLASSES) == sorted(CLASSES)


def test_nine_of_ten_training_images_of_a_carrier_carry_its_own_cue():
    plans = plan_split("train", 0, 70)
    for carrier, cue in zip(CARRIERS, CUES, strict=True):
        cues = Counter(plan.cue for plan in plans if plan.class_name == carrier)
        assert cues == {cue: 63, None: 7}
    assert all(plan.cue is None for plan in plans if plan.class_name not in CARRIERS)


def test_half_of_a_carriers_test_images_carry_the_cues_of_the_others():
    plans = plan_split("test", 0, 70)
    for carrier, cue in zip(CARRIERS, CUES, strict=True):
        own = [plan for plan in plans if plan.class_name == carrier]
        assert Counter(plan.condition for plan in own) == {"conflict": 35, "clean": 35}
        assert {plan.cue for plan in own} == {None, *CUES} - {cue}
        assert all((plan.cue is None) == (plan.condition == "clean") for plan in own)


def test_pool_names_tell_nothing_and_cues_say_nothing_about_the_class():
    plans = plan_split("pool", 0, 40)
    assert [plan.name for plan in plans] == [f"{i + 1:04d}" for i in range(480)]
    at_sea = [p for p in plans if family_of(p.class_name) in ("carrier", "submarine")]
    assert sum(p.cue is not None for p in at_sea) == 0.75 * len(at_sea)
    for carrier in CARRIERS:
        assert {p.cue for p in at_sea if p.class_name == carrier} == {None, *CUES}


def test_another_seed_places_cues_elsewhere():
    first, second = ([p.cue for p in plan_split("train", seed, 20)] for seed in (0, 1))
    assert first != second


def test_unknown_splits_and_shares_are_refused():
    with pytest.raises(ValueError, match="got 'valid'"):
        plan_split("valid", 0, 4)
    with pytest.raises(ValueError, match=r"share in \[0, 1\]"):
        plan_split("train", 0, 4, 1.5)
