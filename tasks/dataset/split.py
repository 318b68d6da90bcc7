"""Seeded, stratified splits: test images of an unsplit folder, validation carved from train."""

import hashlib
from typing import NamedTuple

import torch
from torch import Tensor


class CarvedIndex(NamedTuple):
    """Positions into the training images.

    Attributes:
        train: What is left for fitting, ascending, int64.
        validation: What is held out, ascending, int64.
    """

    train: Tensor
    validation: Tensor


def split_names(names: list[str], share: float, seed: int) -> list[str]:
    """Choose the test images of a class by the hash of seed and name.

    A name's rank depends on nothing else, so that adding images moves few of the old ones across.

    Args:
        names: File names of one class.
        share: Share to choose, [0, 1].
        seed: Seed of the split.

    Returns:
        The chosen names; at least one and never all when there are two or more.
    """
    ranked = sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
    n_chosen = min(max(round(share * len(names)), 1), len(names) - 1) if share > 0 else 0
    return ranked[: max(n_chosen, 0)]


def carve_validation(labels: Tensor, share: float, seed: int) -> CarvedIndex:
    """Hold out the same share of every class.

    Args:
        labels: Class indices (B,), int64.
        share: Share of each class's images, [0, 1); at least one image where a class has two.
        seed: Seed of the draw.

    Returns:
        Positions for fitting and for validation; a class with one image keeps it for fitting.

    Raises:
        ValueError: If the share is out of range.
    """
    if not 0 <= share < 1:
        raise ValueError(f"expected a validation share in [0, 1) (got {share})")
    generator = torch.Generator().manual_seed(seed)
    held_out = torch.zeros(len(labels), dtype=torch.bool)
    for label in sorted(set(labels.tolist())):
        members = (labels == label).nonzero().flatten()
        order = members[torch.randperm(len(members), generator=generator)]
        n_held = min(max(round(share * len(members)), 1), len(members) - 1) if share > 0 else 0
        held_out[order[:n_held]] = True
    return CarvedIndex((~held_out).nonzero().flatten(), held_out.nonzero().flatten())
