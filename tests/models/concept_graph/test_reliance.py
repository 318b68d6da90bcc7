from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from models.classifier import ClassifierOutput
from models.concept_graph.reliance import margin_falls
from models.concept_graph.segment_set import SegmentSet

GREY = 117 / 255


class _Halves(nn.Module):
    """Logit 0: mean red of the left half; logit 1: of the right; logit 2: always 5."""

    def __init__(self) -> None:
        super().__init__()
        self.n_classes = 3
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.seen: list[int] = []

    def forward(self, images: Tensor) -> ClassifierOutput:
        self.seen.append(len(images))
        side = images.shape[3] // 2
        left, right = images[:, 0, :, :side], images[:, 0, :, side:]
        logits = [left.mean(dim=(1, 2)) * self.scale, right.mean(dim=(1, 2))]
        return ClassifierOutput(torch.stack([*logits, torch.full_like(logits[0], 5.0)], 1), images)


def halves(n_images: int) -> SegmentSet:
    """Two segments per image of 4 x 4 pixels: its left half, then its right one."""
    label = torch.tensor([0, 1]).repeat(n_images)
    maps = torch.tensor([0, 0, 1, 1], dtype=torch.uint8).expand(n_images, 1, 4, 4).clone()
    return SegmentSet(
        label_maps=maps,
        image_index=torch.arange(n_images).repeat_interleave(2),
        level=torch.zeros_like(label),
        label=label,
        area=torch.full((len(label),), 0.5),
        centroid=torch.stack([0.25 + 0.5 * label, torch.full((len(label),), 0.5)], dim=1),
        box=torch.stack([2 * label, 0 * label, 2 + 2 * label, 4 + 0 * label], dim=1),
    )


def falls(
    model: nn.Module, segments: SegmentSet, members: list[int], **changes: Any
) -> list[float]:
    images = torch.full((3, 3, 4, 4), 255, dtype=torch.uint8)
    arguments: dict[str, Any] = {"class_id": 0, "rivals": [1], **changes}
    return margin_falls(
        cast(Any, model), images, segments, torch.tensor(members), 3, **arguments
    ).tolist()


def test_the_margin_falls_where_the_class_is_and_rises_where_its_rival_is() -> None:
    # White halves become grey: the left one costs class 0, the right one costs its rival.
    left, right, none = falls(_Halves(), halves(3), [0, 1] * 3)
    assert left == pytest.approx(1 - GREY, abs=1e-6)
    assert right == pytest.approx(GREY - 1, abs=1e-6)
    assert none != none


def test_all_members_in_an_image_are_blanked_together() -> None:
    both, *_ = falls(_Halves(), halves(3), [0, 0] * 3)
    assert both == pytest.approx(0, abs=1e-6)


def test_rivals_are_those_under_review_and_without_any_all_other_classes() -> None:
    against_all = falls(_Halves(), halves(3), [0, 1] * 3, rivals=[])
    before = 1 - torch.tensor([1.0, 5.0]).logsumexp(0)
    after = 1 - torch.tensor([GREY, 5.0]).logsumexp(0)
    assert against_all[1] == pytest.approx(float(before - after), abs=1e-5)


def test_no_more_images_are_looked_at_than_asked() -> None:
    model = _Halves()
    found = falls(model, halves(3), [0, -1, -1, -1, 0, -1], max_images=1)
    assert model.seen == [1, 1]
    assert found[0] == pytest.approx(1 - GREY, abs=1e-6)


def test_every_image_passes_once_as_it_is_and_once_for_every_concept_in_it() -> None:
    model = _Halves()
    falls(model, halves(3), [0, 1] * 3)
    assert model.seen == [3, 6]


def test_without_any_member_nothing_is_known() -> None:
    assert all(value != value for value in falls(_Halves(), halves(3), [-1] * 6))
