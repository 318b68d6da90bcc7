from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from models.classifier import ClassifierOutput
from models.concept_graph.deletion import Fill, control_segments, deletion_effect


class _Brightness(nn.Module):
    """Logit 0: mean red of the left half; logit 1: always 0."""

    def __init__(self) -> None:
        super().__init__()
        self.n_classes = 2
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, images: Tensor) -> ClassifierOutput:
        left = images[:, 0, :, : images.shape[3] // 2].mean(dim=(1, 2)) * self.scale
        return ClassifierOutput(torch.stack([left, torch.zeros_like(left)], dim=1), images)


def _model() -> Any:
    return cast(Any, _Brightness())


def _masks(*halves: str) -> Tensor:
    masks = torch.zeros(len(halves), 4, 4, dtype=torch.bool)
    for mask, half in zip(masks, halves, strict=True):
        if half == "left":
            mask[:, :2] = True
        elif half == "right":
            mask[:, 2:] = True
    return masks


def test_only_blanking_the_region_that_counts_moves_the_logit() -> None:
    images = torch.full((3, 3, 4, 4), 255, dtype=torch.uint8)
    effect = deletion_effect(
        _model(), images, _masks("left", "right", "none"), torch.zeros(3, dtype=torch.int64)
    )
    # white 1.0 becomes grey 117/255
    assert effect.logit_change.tolist() == pytest.approx([117 / 255 - 1, 0, 0], abs=1e-6)
    assert effect.prob_change[0] < 0


def test_the_logit_of_the_asked_class_is_read() -> None:
    images = torch.full((1, 3, 4, 4), 255, dtype=torch.uint8)
    effect = deletion_effect(_model(), images, _masks("left"), torch.tensor([1]))
    assert effect.logit_change.tolist() == [0]
    assert effect.prob_change[0] > 0


@pytest.mark.parametrize("fill", ["grey", "blur"])
def test_batches_do_not_change_the_result(fill: Fill) -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (5, 3, 32, 32), dtype=torch.uint8, generator=generator)
    masks = torch.rand(5, 32, 32, generator=generator) > 0.5
    index = torch.zeros(5, dtype=torch.int64)
    one = deletion_effect(_model(), images, masks, index, fill=fill, batch_size=2)
    all_at_once = deletion_effect(_model(), images, masks, index, fill=fill, batch_size=64)
    torch.testing.assert_close(one.logit_change, all_at_once.logit_change)
    assert (one.logit_change != 0).all()


def test_blurring_a_plain_image_changes_nothing() -> None:
    images = torch.full((1, 3, 32, 32), 200, dtype=torch.uint8)
    masks = torch.ones(1, 32, 32, dtype=torch.bool)
    effect = deletion_effect(_model(), images, masks, torch.tensor([0]), fill="blur")
    assert float(effect.logit_change) == pytest.approx(0, abs=1e-5)


def test_masks_of_another_size_are_refused() -> None:
    images = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    with pytest.raises(ValueError, match="expected masks"):
        deletion_effect(_model(), images, _masks("left", "left"), torch.tensor([0]))


def test_a_control_is_another_segment_of_the_same_image_and_size() -> None:
    image_index = torch.tensor([0, 0, 0, 0, 0, 1, 2, 2])
    area = torch.tensor([0.10, 0.11, 0.12, 0.13, 0.90, 0.10, 0.5, 0.5])
    x = torch.arange(8) * 10
    box = torch.stack([x, x * 0, x + 10, x * 0 + 10], dim=1)
    box[7] = box[6]
    drawn = {
        tuple(
            control_segments(
                torch.tensor([0, 5, 6]), image_index, area, box, torch.Generator().manual_seed(seed)
            ).tolist()
        )
        for seed in range(30)
    }
    # of image 0 one of the three closest; image 1 has no other; image 2 has only one that overlaps
    assert drawn == {(1, -1, 7), (2, -1, 7), (3, -1, 7)}


def test_a_control_does_not_overlap_when_it_need_not() -> None:
    box = torch.tensor([[0, 0, 10, 10], [5, 5, 12, 12], [40, 40, 60, 60]])
    for seed in range(10):
        control = control_segments(
            torch.tensor([0]), torch.zeros(3, dtype=torch.int64), torch.tensor([0.1, 0.1, 0.4]),
            box, torch.Generator().manual_seed(seed),
        )  # fmt: skip
        assert control.tolist() == [2]
