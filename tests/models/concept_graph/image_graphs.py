"""Graphs of images, made of nodes alone or drawn."""

import torch
from torch import Tensor

from models.concept_graph.graph import ImageGraphs


def make_image_graphs(nodes: Tensor, **changes: Tensor) -> ImageGraphs:
    """Return graphs of nodes (B, n, K, D) that are all detected, each in the upper left corner."""
    shape = nodes.shape[:3]
    values = {
        "present": torch.ones(shape, dtype=torch.bool),
        "positions": torch.zeros(*shape, 2),
        "distances": torch.zeros(shape),
        "segment_index": torch.zeros(shape, dtype=torch.int64),
    }
    return ImageGraphs(nodes=nodes, **{**values, **changes})


def random_image_graphs(b: int, n: int, k: int, d: int, *, absent: float) -> ImageGraphs:
    """Draw B graphs of each class, always the same; a share of the concepts is not detected."""
    generator = torch.Generator().manual_seed(0)
    return make_image_graphs(
        torch.randn(b, n, k, d, generator=generator),
        present=torch.rand(b, n, k, generator=generator) > absent,
        positions=torch.rand(b, n, k, 2, generator=generator),
    )
