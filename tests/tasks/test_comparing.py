"""What is said of a registered network is measured on that network, not on all seeds of its arm."""

from types import SimpleNamespace

import pytest
import torch

from models.params import PromotionParams, TrainingParams
from tasks.arms import Arms
from tasks.comparing import compare
from tasks.comparison_records import comparison_metrics, version_metrics
from tasks.stage import StageResult

LABELS = torch.tensor([0, 0, 1, 1, 2, 2])


def answers(*classes):
    """Make logits that give these classes, sure of each."""
    return 8 * torch.nn.functional.one_hot(torch.tensor(classes), 3).float()


@pytest.fixture
def compared(monkeypatch):
    monkeypatch.setattr("tasks.comparing.load_split", lambda *given: SimpleNamespace(labels=LABELS))
    drawn = {}
    work = SimpleNamespace(
        save_png=lambda name, png: drawn.setdefault(name, png), progress=lambda *told: None
    )
    arms = Arms(
        titles=(("original", "original"), ("control", "control"), ("corrected", "corrected")),
        class_ids=(0, 1),
    )
    right, first, second = (
        answers(0, 0, 1, 1, 2, 2),
        answers(0, 1, 1, 1, 2, 2),
        answers(2, 2, 2, 2, 2, 2),
    )
    found = compare(
        work,
        dataset=SimpleNamespace(classes=("a", "b", "c")),
        training=TrainingParams(),
        arms=arms,
        logits={"original": [right], "control": [right, second], "corrected": [first, second]},
        params=PromotionParams(n_bootstrap=100),
        seed=0,
    )
    return StageResult(name="compare_arms", key="k", outputs={}, facts=found.facts, seconds=0.0)


def test_a_version_has_the_numbers_of_its_own_network(compared):
    own = {one.name: one.value for one in version_metrics(compared, "corrected")}
    assert {name: own[name] for name in own if name.startswith("class.")} == {
        "class.a": 0.5, "class.b": 1.0, "class.c": 1.0
    }  # fmt: skip
    assert own["edited_classes.accuracy"] == 0.75
    assert own["other_classes.accuracy"] == 1.0
    assert own["all.accuracy"] == pytest.approx(2.5 / 3)
    # One of six answers is wrong by 8 nats, and all are equally sure.
    assert own["nll"] == pytest.approx(8 / 6, abs=2e-3)
    assert own["ece"] == pytest.approx(1 / 6, abs=1e-3)
    assert own["brier"] == pytest.approx(2 / 6, abs=2e-3)


def test_what_the_decision_rests_on_stands_beside_them(compared):
    own = {one.name: one.value for one in version_metrics(compared, "corrected")}
    run = {one.name: one.value for one in comparison_metrics(compared)}
    # Over both seeds: three of four and none right of the edited classes.
    assert own["over_seeds.edited_classes.accuracy"] == pytest.approx(0.375)
    for name in ("accuracy", "low", "high"):
        assert own[f"over_seeds.all.{name}"] == run[f"corrected.all.{name}"]
    assert run["corrected.class.a"] == 0.25


def test_a_stage_of_an_earlier_version_still_tells_what_it_knew(compared):
    facts = {name: value for name, value in compared.facts.items() if name != "versions"}
    earlier = StageResult(name="compare_arms", key="k", outputs={}, facts=facts, seconds=0.0)
    own = {one.name: one.value for one in version_metrics(earlier, "corrected")}
    assert own["over_seeds.edited_classes.accuracy"] == pytest.approx(0.375)
    assert "class.a" not in own
