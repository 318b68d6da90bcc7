"""Small pictures of concepts, by which a later network can tell what an earlier one meant.

Features of two networks cannot be compared: each training has axes of its own. So what is kept of a
concept is how its typical segments look, and the network of now gives the features of old and new.
Shape legend: M concepts · n portraits of one · D features · S side of a portrait, pixels.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from models.classifier import Classifier, evaluating
from models.concept_graph.bank import ConceptBank
from models.concept_graph.reference_embedding import cut_out
from models.concept_graph.segments import SegmentSet

SIDE = 48
"""Side of a portrait, pixels."""
MOST_PER_CONCEPT = 3
"""Portraits of one concept, the most typical segments first."""
MOST = 6000
"""Portraits in all, 41 MB; with more concepts each has fewer, but one at least."""


def portray(images: Tensor, segments: SegmentSet, bank: ConceptBank) -> dict[str, Tensor]:
    """Cut the typical segments of every concept out on grey.

    Args:
        images: Pixels (B, 3, H, W), uint8.
        segments: Segments of these images.
        bank: M concepts whose exemplars are rows of ``segments``.

    Returns:
        Pixels (n, 3, S, S), uint8, by concept id; a concept without exemplars is left out.
    """
    n = max(1, min(MOST_PER_CONCEPT, MOST // max(1, len(bank))))
    portraits: dict[str, Tensor] = {}
    for concept_id, rows in zip(bank.concept_ids, bank.exemplar_segments.tolist(), strict=True):
        known = [row for row in rows if row >= 0][:n]
        if known:
            shots = torch.stack([cut_out(images, segments, row) for row in known])
            portraits[concept_id] = (_resized(shots, SIDE) * 255).round().to(torch.uint8)
    return portraits


def embed_portraits(
    model: Classifier, portraits: Mapping[str, Tensor], size: int, *, batch_size: int = 64
) -> Tensor:
    """Give every concept the mean feature of its portraits in the concept layer of a network.

    Args:
        model: Classifier; used in evaluation mode, without gradient.
        portraits: Pixels (n, 3, S, S), uint8, by concept id, of M concepts.
        size: Side of the network's input, pixels.
        batch_size: Portraits per forward.

    Returns:
        Features (M, D), float32, on the CPU, in the order of ``portraits``.

    Raises:
        ValueError: If there is no portrait.
    """
    if not portraits:
        raise ValueError("expected portraits of at least one concept (got none)")
    device = next(model.parameters()).device
    counts = torch.tensor([len(shots) for shots in portraits.values()])
    parts = []
    for shots in torch.split(torch.cat(list(portraits.values())), batch_size):
        with torch.no_grad(), evaluating(model):
            features = model.trunk(_resized(shots.float() / 255, size).to(device))
        parts.append(features.float().mean(dim=(2, 3)).cpu())
    owner = torch.repeat_interleave(torch.arange(len(counts)), counts)
    features = torch.cat(parts)
    summed = features.new_zeros(len(counts), features.shape[1]).index_add_(0, owner, features)
    return summed / counts[:, None]


def _resized(shots: Tensor, side: int) -> Tensor:
    # Bicubic interpolation overshoots at the segment's edge.
    size = (side, side)
    return F.interpolate(shots, size=size, mode="bicubic", antialias=True).clamp(0, 1)
