"""The comparison against a table worked out by hand."""

import math

import pytest
import torch

from tasks.channels.concept_graph.evaluating import compare_arms
from tasks.comparison_records import comparison_report

# Four test images per class: bars, discs, squares. What each network says of each.
ORIGINAL = [0, 0, 2, 2, 1, 1, 1, 0, 2, 0, 0, 0]  # 2/4, 3/4, 1/4
UNMODIFIED = [0, 0, 0, 2, 1, 1, 1, 1, 2, 2, 0, 0]  # 3/4, 4/4, 2/4
EDITED = [
    [0, 0, 0, 0, 1, 1, 1, 0, 2, 2, 2, 0],  # 4/4, 3/4, 3/4
    [0, 0, 0, 2, 1, 1, 0, 0, 2, 2, 2, 2],  # 3/4, 2/4, 4/4
]
EXPECTED = {
    "original": {"edited_classes": 3 / 8, "other_classes": 3 / 4, "all": 6 / 12},
    "unmodified_graph": {"edited_classes": 5 / 8, "other_classes": 1.0, "all": 9 / 12},
    "edited_graph": {"edited_classes": 7 / 8, "other_classes": 5 / 8, "all": 19 / 24},
}
SURE = math.log(8.0)
"""Softmax gives 8 / 10 to the answer and 1 / 10 to each of the others."""


def logits(answers):
    return SURE * torch.eye(3)[torch.tensor(answers)]


@pytest.fixture(scope="module")
def compared(staged):
    predictions = staged.save("predict", tensors={"logits": {"test": logits(ORIGINAL)}})

    def student(answers):
        return staged.save("distil", tensors={"test_logits": {"logits": logits(answers)}})

    return compare_arms.fn(
        staged.workplace,
        basis=staged.basis.model_copy(update={"predictions": predictions}),
        students={
            "unmodified_graph": [student(UNMODIFIED), student(UNMODIFIED)],
            "edited_graph": [student(answers) for answers in EDITED],
        },
        params=staged.params.promotion,
        seed=0,
    )


@pytest.mark.parametrize("arm", EXPECTED)
def test_accuracies_are_means_over_classes_and_seeds(compared, arm):
    for group, expected in EXPECTED[arm].items():
        found = compared.facts["arms"][arm][group]
        assert found["mean"] == pytest.approx(expected)
        assert found["low"] <= expected <= found["high"]


def test_differences_are_those_of_the_accuracies(compared):
    rows = {
        (row["arm"], row["against"], row["group"]): row["mean"] for row in compared.facts["paired"]
    }
    assert len(rows) == 9
    for (arm, against, group), mean in rows.items():
        assert mean == pytest.approx(EXPECTED[arm][group] - EXPECTED[against][group])


def test_classes_losses_and_calibration_are_those_worked_out(compared):
    per_class = compared.facts["per_class"]
    assert per_class["original"] == {"bars": 0.5, "discs": 0.75, "squares": 0.25}
    assert per_class["edited_graph"] == {"bars": 0.875, "discs": 0.625, "squares": 0.875}
    metrics = compared.facts["metrics"]
    # Half of the twelve are right: -(ln 0.8 + ln 0.1) / 2. Confidence is 0.8 on every image.
    assert metrics["original.nll"] == pytest.approx(-(math.log(0.8) + math.log(0.1)) / 2, abs=1e-5)
    assert metrics["original.ece"] == pytest.approx(0.8 - 0.5, abs=1e-5)
    # The other 0.2 is spread over two classes: 0.2^2 + 2 * 0.1^2 where it is right, and
    # 0.9^2 + 0.8^2 + 0.1^2 where it is wrong.
    assert metrics["original.brier"] == pytest.approx((0.06 + 1.46) / 2, abs=1e-5)
    reported = comparison_report(compared)["calibration"]
    assert set(reported) == set(EXPECTED)
    assert reported["original"] == {
        name: metrics[f"original.{name}"] for name in ("nll", "ece", "brier")
    }
    assert metrics["unmodified_graph.ece"] == pytest.approx(0.8 - 0.75, abs=1e-5)


def test_a_loss_on_the_other_classes_is_not_promoted(compared):
    assert compared.facts["promote"] is False
    assert compared.facts["reasons"]


def test_every_figure_is_a_picture(staged, compared):
    for name in ("comparison", "confusion", "calibration"):
        data = staged.work.artifacts.load_bytes(compared.outputs[name])
        assert data.startswith(b"\x89PNG")
