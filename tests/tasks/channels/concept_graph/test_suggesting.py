import pytest
import torch

from feedback.errors import ParamsError
from tasks.channels.concept_graph.suggesting import check_classes, suggest_classes
from tests.shapes import N_POOL, N_TRAIN

SURE = 9.0


def logits_that_mix(n_images, first, second, labels):
    """Logits that are sure of every label, but of images of two classes waver between them."""
    found = torch.full((n_images, 3), 0.0)
    found[torch.arange(n_images), labels] = SURE
    wavering = (labels == first) | (labels == second)
    found[wavering, first] = found[wavering, second] = SURE
    return found


@pytest.fixture
def suggest(staged):
    labels = torch.arange(3).repeat_interleave(N_TRAIN)
    carved = staged.save("split", tensors={"split": {"validation": torch.tensor([0, 1, 10, 20])}})

    def ask(train, *, pool=None, named=(), n_classes=2):
        # No test logits: whoever looked at them would fail.
        logits = {"train": train(labels)} | ({} if pool is None else {"pool": pool})
        return suggest_classes.fn(
            staged.workplace,
            dataset=staged.dataset,
            training=staged.params.training,
            classifier=carved,
            predictions=staged.save("predict", tensors={"logits": logits}),
            named=named,
            n_classes=n_classes,
        )

    return ask


@pytest.mark.parametrize(("first", "second"), [(0, 1), (0, 2), (1, 2)])
def test_the_classes_that_are_mixed_up_are_suggested(suggest, first, second):
    found = suggest(lambda labels: logits_that_mix(len(labels), first, second, labels))
    assert found.facts["class_ids"] == [first, second]
    (pair,) = found.facts["pairs"]
    classes = ("bars", "discs", "squares")
    assert (pair["first"], pair["second"]) == (classes[first], classes[second])
    # Each gives the other half of what it does not give to the third: e^9 / (2 e^9 + 1).
    assert pair["confusion"] == pytest.approx(0.5, abs=1e-3)


def test_only_images_carved_out_for_validation_count(suggest):
    def learnt_by_heart(labels):
        # Wavering between 0 and 1 on every image that was fitted, between 1 and 2 on the others.
        logits = logits_that_mix(len(labels), 0, 1, labels)
        held_out = torch.tensor([0, 1, 10, 20])
        logits[held_out] = logits_that_mix(4, 1, 2, labels[held_out])
        return logits

    assert suggest(learnt_by_heart).facts["class_ids"] == [1, 2]


def test_a_confusion_that_shows_only_in_the_pool_is_found(suggest):
    pool = torch.tensor([[SURE, 0.0, SURE]] * N_POOL)
    found = suggest(lambda labels: SURE * torch.eye(3)[labels], pool=pool)
    assert found.facts["class_ids"] == [0, 2]


def test_named_classes_are_taken_in_the_order_of_the_dataset(suggest):
    found = suggest(lambda labels: torch.eye(3)[labels], named=("squares", "bars"))
    assert found.facts == {"class_ids": [0, 2], "pairs": []}


def test_classes_that_are_not_there_are_refused():
    with pytest.raises(ParamsError, match="'spheres'"):
        check_classes(("bars", "discs"), ("bars", "spheres"), 2)
    with pytest.raises(ParamsError, match="at most 2"):
        check_classes(("bars", "discs"), (), 3)
