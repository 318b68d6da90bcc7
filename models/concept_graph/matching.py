"""Matching segments to the concepts of class graphs, all images and classes at once.

Shape legend: B images · n class graphs · K concepts per graph · S segments · D features.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from models.concept_graph.bank import ConceptBank
from models.concept_graph.graph import ClassGraph, ImageGraphs

_ROWS_PER_BLOCK = 16_384
"""Segments shifted at a time; bounds the copy that centring makes."""


def match_images(
    embeddings: Tensor,
    image_index: Tensor,
    centroids: Tensor,
    n_images: int,
    graphs: Sequence[ClassGraph],
    bank: ConceptBank,
    allowed: Tensor | None = None,
    slack: float = 1.0,
) -> ImageGraphs:
    """Find in every image the segments that stand for the concepts of every class graph.

    Concepts choose in slot order; each takes the nearest segment that no detected concept of the
    same graph has taken. It is detected when that distance is within its threshold.

    Deviates from the paper: VRX compares the squared distance with one constant; here every
    concept has its own threshold in plain L2, recorded when it was mined. A concept that is not
    detected leaves its segment to the next.

    Args:
        embeddings: Segment features (S, D), float32, of the embedding that the bank was mined with.
        image_index: Image of each segment (S,), int64 in [0, n_images), any order.
        centroids: Segment centroids (x, y) (S, 2) in [0, 1].
        n_images: B.
        graphs: n class graphs, all with K concepts.
        bank: Centres and thresholds by concept id.
        allowed: Segments that may be taken (S,), bool; None allows all.
        slack: Factor on every threshold, > 0.

    Returns:
        The image graphs, on the device of ``embeddings``.

    Raises:
        ValueError: If the graphs differ in K.
        KeyError: If a concept is not in the bank.
    """
    n_concepts = {graph.n_concepts for graph in graphs}
    if len(n_concepts) != 1:
        raise ValueError(
            f"expected class graphs of one size (got sizes {sorted(n_concepts)}); match them apart"
        )
    device = embeddings.device
    row_of = {concept_id: row for row, concept_id in enumerate(bank.concept_ids)}
    rows = torch.tensor([[row_of[c] for c in graph.concepts] for graph in graphs])  # (n, K)
    centres = bank.centres[rows.flatten()].to(device, embeddings.dtype)  # (n*K, D)
    thresholds = slack * bank.thresholds[rows].to(device, embeddings.dtype)  # (n, K)

    distances = concept_distances(embeddings, centres)  # (S, n*K)
    if allowed is not None:
        distances = distances.masked_fill(~allowed.to(device)[:, None], torch.inf)
    padded, segment_rows = _pad_by_image(
        distances.reshape(-1, *rows.shape), image_index.to(device), n_images
    )
    chosen, nearest = _take_in_slot_order(padded, thresholds)  # (B, n, K) each

    found = torch.isfinite(nearest)
    images = torch.arange(n_images, device=device)[:, None, None]
    index = segment_rows[images, chosen]
    index = torch.where(found, index, torch.full_like(index, -1))
    safe = index.clamp(min=0)
    some = found[..., None]
    if len(embeddings) == 0:  # nothing to gather from
        embeddings, centroids = (
            embeddings.new_zeros(1, embeddings.shape[1]),
            centroids.new_zeros(1, 2),
        )
    return ImageGraphs(
        nodes=torch.where(some, embeddings[safe], 0.0),
        present=found & (nearest <= thresholds),
        positions=torch.where(some, centroids.to(device)[safe], 0.0),
        distances=nearest,
        segment_index=index,
    )


def concept_distances(embeddings: Tensor, centres: Tensor) -> Tensor:
    """Compute L2 distances between segments and concept centres by one matrix product.

    ``||a - b||^2 = ||a||^2 + ||b||^2 - 2 a.b``, after moving the origin to the mean centre: pooled
    post-ReLU features lie far from zero, where float32 would lose small distances to cancellation.

    Args:
        embeddings: Segment features (S, D).
        centres: Concept centres (M, D).

    Returns:
        Distances (S, M), at least 0.
    """
    origin = centres.mean(dim=0)
    b = centres - origin
    b_squared = b.square().sum(dim=1)
    parts = []
    for block in torch.split(embeddings, _ROWS_PER_BLOCK):
        a = block - origin
        squared = torch.addmm(b_squared, a, b.T, alpha=-2).add_(a.square().sum(dim=1, keepdim=True))
        parts.append(squared.clamp_(min=0).sqrt_())
    return torch.cat(parts) if parts else embeddings.new_zeros(0, len(centres))


def _pad_by_image(distances: Tensor, image_index: Tensor, n_images: int) -> tuple[Tensor, Tensor]:
    """Lay segments out per image: distances (B, S_max, n, K), inf beyond, and rows (B, S_max)."""
    counts = torch.bincount(image_index, minlength=n_images)
    width = max(int(counts.max()), 1) if n_images else 1
    order = torch.argsort(image_index, stable=True)
    image = image_index[order]
    place = torch.arange(len(order), device=order.device) - (counts.cumsum(0) - counts)[image]
    padded = distances.new_full((n_images, width, *distances.shape[1:]), torch.inf)
    padded[image, place] = distances[order]
    rows = order.new_zeros((n_images, width))
    rows[image, place] = order
    return padded, rows


def _take_in_slot_order(distances: Tensor, thresholds: Tensor) -> tuple[Tensor, Tensor]:
    """Let every slot take its nearest free segment: places in the image and distances (B, n, K)."""
    free = distances.new_zeros(distances.shape[:3])  # (B, S_max, n); inf once taken
    chosen, nearest = [], []
    for slot in range(distances.shape[3]):
        candidates = distances[..., slot] + free
        place = candidates.argmin(dim=1, keepdim=True)  # first of equals: lowest row
        distance = candidates.gather(1, place)
        taken = torch.where(distance <= thresholds[:, slot], torch.inf, 0.0).to(free.dtype)
        free = free.scatter_add(1, place, taken)
        chosen.append(place.squeeze(1))
        nearest.append(distance.squeeze(1))
    return torch.stack(chosen, dim=-1), torch.stack(nearest, dim=-1)
