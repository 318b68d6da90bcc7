import math

import pytest
import torch

from models.saliency_grid.sampling import predictive_entropy, sample_images, sampling_priorities

# Probabilities: sure and right, unsure and right, unsure and wrong, sure and wrong, unlabelled.
PROBABILITIES = torch.tensor(
    [[0.98, 0.01, 0.01], [0.5, 0.3, 0.2], [0.3, 0.4, 0.3], [0.01, 0.98, 0.01], [0.4, 0.3, 0.3]]
)
LOGITS = PROBABILITIES.log() + 7
LABELS = torch.tensor([0, 0, 0, 0, -1])


def test_entropy_is_the_hand_computed_one():
    logits = torch.tensor([[0.0, 0.0], [math.log(3), 0.0], [900.0, -900.0], [0.0, -torch.inf]])
    expected = torch.tensor(
        [math.log(2), -(0.75 * math.log(0.75) + 0.25 * math.log(0.25)), 0.0, 0.0]
    )
    torch.testing.assert_close(predictive_entropy(logits), expected)


def test_entropy_is_the_same_for_logits_up_to_a_constant_and_in_any_order():
    logits = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    entropy = predictive_entropy(logits)
    torch.testing.assert_close(predictive_entropy(logits + 100), entropy, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(predictive_entropy(logits.flip(1)), entropy)


@pytest.mark.parametrize(
    ("strategy", "order"),
    [
        # Entropies 0.11, 1.03, 1.09, 0.11, 1.09.
        ("entropy", [2, 4, 1, 0, 3]),
        ("entropy_of_wrong", [2, 3, 4, 1, 0]),
        ("wrong_first", [3, 2, 4, 1, 0]),
    ],
)
def test_strategies_order_images_as_by_hand(strategy, order):
    priorities = sampling_priorities(LOGITS, LABELS, strategy)
    sample = sample_images(priorities, 5)
    assert sample.index.tolist() == order
    assert sample.priority.tolist() == sorted(priorities.tolist(), reverse=True)


def test_mistakes_have_priorities_above_one_and_the_rest_below():
    for strategy in ("entropy_of_wrong", "wrong_first"):
        priorities = sampling_priorities(LOGITS, LABELS, strategy)
        assert (priorities > 1).tolist() == [False, False, True, True, False]
    assert sampling_priorities(torch.zeros(1, 3), LABELS[:1], "entropy").item() == pytest.approx(1)


def test_the_random_order_is_that_of_its_seed_and_no_other():
    logits, labels = torch.randn(50, 3), torch.zeros(50, dtype=torch.int64)
    orders = [
        sample_images(sampling_priorities(logits * s, labels, "random", seed=seed), 50).index
        for s, seed in ((1, 3), (9, 3), (1, 4))
    ]
    assert torch.equal(orders[0], orders[1])
    assert not torch.equal(orders[0], orders[2])
    assert orders[0].sort().values.tolist() == list(range(50))


def test_rounds_that_exclude_earlier_ones_never_show_an_image_twice():
    priorities = sampling_priorities(LOGITS, LABELS, "entropy_of_wrong")
    seen: list[int] = []
    for _ in range(4):
        seen += sample_images(priorities, 2, exclude=seen).index.tolist()
    assert seen == [2, 3, 4, 1, 0]


def test_equal_priorities_keep_their_order_and_what_is_not_a_number_comes_last():
    sample = sample_images(torch.tensor([torch.nan, 1.0, 1.0, 0.5]), 4)
    assert sample.index.tolist() == [1, 2, 3, 0]
    assert sample.priority.tolist() == [1, 1, 0.5, 0]
    assert sample_images(torch.ones(3), 0).index.tolist() == []


def test_a_label_for_every_image_is_asked_for():
    with pytest.raises(ValueError, match="one label per image"):
        sampling_priorities(LOGITS, LABELS[:2], "entropy")
