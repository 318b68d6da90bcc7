"""A candidate beside the champion: same images, each at its own size, classes by name."""

import numpy as np
import pytest
import torch
from torch import nn

from feedback.errors import TrackingError
from models.params import PromotionParams, TrainingParams
from models.report import ChallengeReport
from tasks import challenge
from tasks.challenge import challenge_champion
from tasks.challenge_verdict import challenge_records, unchallenged, with_challenge
from tasks.dataset.opening import open_dataset
from tasks.evaluation import Evaluation
from tasks.registered import RegisteredNetwork, registered_network
from tasks.registry import register_version
from tasks.stage import StageResult
from tasks.tracking_store import start_tracking
from tests.shapes import CLASSES, GROUND, N_TEST

TRAINING = TrainingParams(image_size=48, validation_share=0.2)
PARAMS = PromotionParams(n_bootstrap=100, min_images=2)


class ByGround(nn.Module):
    """Knows a class by the colour of the ground in the corner, exactly; ``wrong`` it mistakes."""

    def __init__(self, names, wrong=(), side=None):
        super().__init__()
        grounds = [GROUND.get(name, (0, 0, 0)) for name in names]
        self.grounds = nn.Parameter(torch.tensor(grounds, dtype=torch.float32) / 255)
        self.bias = nn.Parameter(torch.tensor([-9.0 * (name in wrong) for name in names]))
        self.side = side

    def forward(self, images):
        if self.side is not None:
            assert images.shape[-1] == self.side
        corner = images[:, :, -4:, :4].mean(dim=(2, 3))
        return self.bias - (corner[:, None] - self.grounds).square().sum(dim=2)


@pytest.fixture
def dataset(workplace, shapes_dir):
    return open_dataset(workplace, shapes_dir, unversioned="refuse", training=TRAINING)


@pytest.fixture
def tracker(settings):
    return start_tracking(settings, "run-1", {})


@pytest.fixture
def candidate(monkeypatch):
    """Pretend that a stage's network is one that tells all shapes apart but ``squares``."""

    def told(model, images, *_, **__):
        return ByGround(CLASSES, wrong=("squares",))(images.float() / 255)

    monkeypatch.setattr("models.prediction.predict_logits", told)
    monkeypatch.setattr("tasks.challenge.load_classifier", lambda *_: nn.Identity())
    return StageResult(name="distil", key="k", outputs={}, facts={"n": 1}, seconds=0.0)


def register(tracker, names, *, wrong=(), side=48, digest="c" * 64, metadata=None):
    told = {"classes": list(names), "image_size": side, "resize": "pad"}
    version = register_version(
        tracker,
        lambda: ByGround(names, wrong, side).eval(),
        name="net",
        digest=digest,
        examples={"images": (2, 3, side, side)},
        outputs={"logits": (2, len(names))},
        tags={},
        metadata=told if metadata is None else metadata,
    )
    return registered_network(tracker, "net", version.version)


def compare(workplace, dataset, candidate, champion):
    return challenge_champion.fn(
        workplace,
        champion=champion,
        candidate=candidate,
        dataset=dataset,
        training=TRAINING,
        confidence=PARAMS.confidence,
        n_bootstrap=PARAMS.n_bootstrap,
        seed=0,
    )


def test_two_networks_are_counted_on_the_same_images(workplace, dataset, tracker, candidate):
    champion = register(tracker, CLASSES)
    found = compare(workplace, dataset, candidate, champion)
    assert found.facts["classes"] == 3
    assert found.facts["accuracy"] == pytest.approx({"candidate": 2 / 3, "champion": 1})
    difference = found.facts["difference"]
    assert difference["mean"] == pytest.approx(-1 / 3)
    assert difference["n_images"] == 3 * N_TEST
    again = compare(workplace, dataset, candidate, champion)
    assert again.reused
    assert again.facts == found.facts


def test_classes_are_matched_by_name_and_images_come_at_the_size_of_each(
    workplace, dataset, tracker, candidate, monkeypatch
):
    load, asked = challenge.load_split, []

    def note(work, dataset, split, training):
        asked.append((split, training.image_size, training.resize))
        return load(work, dataset, split, training)

    monkeypatch.setattr(challenge, "load_split", note)
    # In another order, one that is no longer there, one that it never knew; at another size.
    champion = register(tracker, ("squares", "rings", "bars"), side=32)
    found = compare(workplace, dataset, candidate, champion)
    assert asked == [("test", 48, "crop"), ("test", 32, "pad")]
    assert (found.facts["classes"], found.facts["known"]) == (2, 3)
    # Over bars and squares alone: the candidate mistakes one of them.
    assert found.facts["accuracy"] == pytest.approx({"candidate": 1 / 2, "champion": 1})


def test_an_answer_that_is_no_class_any_more_is_wrong(workplace, dataset, tracker, candidate):
    champion = register(tracker, ("rings", "bars"), wrong=("bars",))
    found = compare(workplace, dataset, candidate, champion)
    assert found.facts["classes"] == 1
    assert found.facts["accuracy"] == pytest.approx({"candidate": 1, "champion": 0})


@pytest.mark.parametrize(
    ("names", "metadata", "obstacle"),
    [(("rings", "stars"), None, "none of the classes"), (CLASSES, {}, "classes are unknown")],
)
def test_a_champion_that_cannot_be_compared_with_refuses(
    workplace, dataset, tracker, candidate, names, metadata, obstacle
):
    champion = register(tracker, names, metadata=metadata)
    found = compare(workplace, dataset, candidate, champion)
    judged = with_challenge(evaluation(), found, champion.version, PARAMS)
    assert not judged.promote
    assert obstacle in judged.reasons[-1]
    assert "promotion.champion_band" in judged.reasons[-1]
    assert "challenge" not in judged.report
    assert challenge_records(found) == []


def evaluation(*, promote=True):
    stage = StageResult(name="distil", key="k", outputs={}, facts={}, seconds=0.0)
    return Evaluation(stage, promote, ("Passed: the rule.",), {"arms": None}, ())


@pytest.mark.parametrize("promote", [True, False])
@pytest.mark.parametrize(("band", "passes"), [(0.99, True), (0.05, False)])
def test_the_condition_joins_those_of_the_channel(
    workplace, dataset, tracker, candidate, band, passes, promote
):
    champion = register(tracker, CLASSES)
    found = compare(workplace, dataset, candidate, champion)
    params = PARAMS.model_copy(update={"champion_band": band})
    judged = with_challenge(evaluation(promote=promote), found, champion.version, params)
    assert judged.promote is (promote and passes)
    assert judged.reasons[0] == "Passed: the rule."
    assert judged.reasons[1].startswith("Passed" if passes else "Refused")
    told = ChallengeReport.model_validate(judged.report["challenge"])
    assert (told.version, told.classes) == (champion.version, 3)
    assert (told.candidate, told.champion) == pytest.approx((2 / 3, 1))
    assert {record.name: record.value for record in challenge_records(found)} == pytest.approx(
        {
            "champion.accuracy": 1.0,
            "champion.difference.mean": told.mean,
            "champion.difference.low": told.low,
            "champion.difference.high": told.high,
        }
    )


def test_a_champion_without_its_files_is_told(workplace, dataset, tracker, candidate):
    tracker.client.create_registered_model("net")
    made = tracker.client.create_model_version("net", "file:///none")
    champion = registered_network(tracker, "net", str(made.version))
    assert champion == RegisteredNetwork(name="net", version="1")
    with pytest.raises(TrackingError, match="models:/net/1"):
        compare(workplace, dataset, candidate, champion)


@pytest.mark.parametrize(
    "metadata",
    [
        {"classes": list(CLASSES), "image_size": 40},
        {"classes": list(CLASSES), "image_size": "large"},
        {"classes": list(CLASSES)[:1], "image_size": 48},
    ],
)
def test_a_champion_that_is_not_what_its_version_says_is_told(
    workplace, dataset, tracker, candidate, metadata
):
    champion = register(tracker, CLASSES, metadata=metadata)
    with pytest.raises(TrackingError, match="to answer as a classifier of images"):
        compare(workplace, dataset, candidate, champion)


def test_whoever_cannot_be_compared_with_is_not_replaced():
    judged = unchallenged(evaluation(), "3", "it is gone")
    assert not judged.promote
    assert "the champion, version 3: it is gone" in judged.reasons[-1]


def test_nine_classes_that_are_all_right_are_a_whole():
    # The sum of nine ninths is 1.0000000000000002.
    difference = {
        "mean": sum([1 / 9] * 9), "low": sum([1 / 9] * 9), "high": sum([1 / 9] * 9),
        "p_value": 0.01, "confidence": 0.95, "n_seeds": 1, "n_images": 90,
    }  # fmt: skip
    labels = np.arange(90) % 9
    whole = challenge._mean_over_classes(np.ones(90, dtype=bool), labels, range(9))
    assert whole == 1
    facts = {
        "classes": 9, "known": 9, "difference": difference,
        "accuracy": {"candidate": whole, "champion": 0.0},
    }  # fmt: skip
    found = StageResult(name="challenge_champion", key="k", outputs={}, facts=facts, seconds=0.0)
    judged = with_challenge(evaluation(), found, "3", PARAMS)
    told = ChallengeReport.model_validate(judged.report["challenge"])
    assert (told.candidate, told.mean, told.low, told.high) == (1, 1, 1, 1)
