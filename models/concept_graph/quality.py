"""How well clusters of segments are the true parts of the objects, where parts are known.

Shape legend: S segments · B images · H,W pixels. For benchmarks and rendered data sets; nothing in
the loop itself knows the parts.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from models.concept_graph.segments import SegmentSet


class ClusterQuality(NamedTuple):
    """Agreement of clusters with true parts, both in [0, 1], higher is better."""

    nmi: float
    """Normalised mutual information, arithmetic mean of the entropies."""
    purity: float
    """Share of segments whose part is the commonest of their cluster."""


def majority_parts(part_maps: Tensor, segments: SegmentSet) -> Tensor:
    """Name the part that covers most of each segment.

    Args:
        part_maps: Part of each pixel (B, H, W), integers from 0.
        segments: S segments of the same images.

    Returns:
        Parts (S,), int64; the smaller number on a tie.

    Raises:
        ValueError: If the maps do not match the segments in number or size.
    """
    shares = [segments.coverage(part_maps == part) for part in range(int(part_maps.max()) + 1)]
    return torch.stack(shares).argmax(0)


def cluster_quality(members: Tensor, parts: Tensor) -> ClusterQuality:
    """Compare a clustering with true parts.

    ``NMI = 2 I(cluster; part) / (H(cluster) + H(part))``,
    ``purity = 1/S sum_cluster max_part |cluster and part|``.

    Args:
        members: Cluster of each segment (S,), int64; rows of -1 are left out.
        parts: True part of each segment (S,), int64.

    Returns:
        Both measures; NMI is 1 when there is one cluster and one part.

    Raises:
        ValueError: If no segment belongs to a cluster.
    """
    kept = (members >= 0).to(parts.device)
    clusters, truth = members.to(parts.device)[kept], parts[kept]
    if len(clusters) == 0:
        raise ValueError("expected at least one segment in a cluster (got none)")
    n_parts = int(truth.max()) + 1
    table = torch.bincount(
        clusters * n_parts + truth, minlength=(int(clusters.max()) + 1) * n_parts
    ).view(-1, n_parts)
    joint = table.double() / len(clusters)
    rows, columns = joint.sum(1), joint.sum(0)
    entropies = _entropy(rows) + _entropy(columns)
    mutual = entropies - _entropy(joint.flatten())
    nmi = 2 * mutual / entropies if entropies > 0 else 1.0
    return ClusterQuality(nmi=float(nmi), purity=float(joint.amax(1).sum()))


def _entropy(probs: Tensor) -> float:
    return float(torch.special.entr(probs).sum())
