"""Concepts of one class: its segments clustered in feature space (ACE, Ghorbani et al. 2019).

Shape legend: S segments of the class's images · M clusters · D features. Scoring the clusters is
``tcav.py``'s part.
"""

import logging
from typing import NamedTuple

import torch
from torch import Tensor

from feedback.errors import NoConceptsFoundError
from models.concept_graph.bank import ConceptBank as ConceptBank
from models.concept_graph.bank import merge_banks as merge_banks
from models.concept_graph.bank import top_concepts as top_concepts
from models.concept_graph.params import ConceptGraphParams
from models.concept_graph.segments import SegmentSet

logger = logging.getLogger(__name__)

N_INIT = 3
"""Restarts of k-means. ACE leaves scikit-learn's default of its day, 10; beyond 3 the inertia moved
by under 1 %."""


class MinedClass(NamedTuple):
    """Concepts of one class and the segments behind them."""

    bank: ConceptBank
    members: Tensor
    """Row of the bank each segment belongs to (S,), int64; -1 for a segment outside the gate."""


def mine_concepts(
    class_id: int,
    class_name: str,
    segments: SegmentSet,
    embeddings: Tensor,
    gate_coverage: Tensor,
    params: ConceptGraphParams,
    seed: int,
) -> MinedClass:
    """Cluster the segments of one class and keep every cluster as a concept, popular or not.

    A cluster of m segments from u of T images is popular when m is at least ``min_segments`` and
    any of: u > 0.5 m; u > 0.25 m and u > 0.25 T; u > 0.1 m and u > 0.5 T (the rules in ACE's code).

    Deviates from the paper: k-means is seeded; only segments inside the Grad-CAM gate take part
    when the gate is enabled; unpopular clusters are marked instead of dropped, since a reviewer may
    want one.

    Args:
        class_id: Index of the class.
        class_name: Its name, the first half of the concept ids.
        segments: S segments of the class's images.
        embeddings: Their vectors (S, D).
        gate_coverage: Share of each segment inside the Grad-CAM gate (S,), [0, 1].
        params: Gate, clustering and threshold rules.
        seed: Seed of k-means.

    Returns:
        The class's bank with TCAV fields NaN, and the members.

    Raises:
        NoConceptsFoundError: If fewer than two segments lie inside the gate.
        ValueError: If embeddings or coverage do not pair up with the segments.
    """
    if len(embeddings) != len(segments) or len(gate_coverage) != len(segments):
        raise ValueError(
            f"expected one embedding and coverage per segment, {len(segments)} "
            f"(got {len(embeddings)} and {len(gate_coverage)})"
        )
    embeddings, coverage = embeddings.detach().float().cpu(), gate_coverage.cpu()
    inside = coverage >= params.gate.coverage
    mined = inside if params.gate.enabled else torch.ones_like(inside)
    rows = mined.nonzero().flatten()
    if len(rows) < 2:
        raise NoConceptsFoundError(
            f"expected at least two segments of {class_name!r} inside the gate "
            f"(got {len(rows)} of {len(segments)}); "
            "lower gate.coverage, raise gate.keep_share or set gate.enabled=false"
        )
    labels, centres = _cluster(embeddings[rows], params.clusters.n_clusters, seed)
    members = torch.full((len(segments),), -1, dtype=torch.int64)
    members[rows] = labels
    matched = inside if params.gate.explanation else torch.ones_like(inside)
    bank = _describe(
        class_id, class_name, segments, embeddings, coverage, members, centres, matched, params
    )
    logger.info(
        "%s: %d of %d segments in the gate -> %d concepts, %d popular",
        class_name, len(rows), len(segments), len(bank), int(bank.popular.sum()),
    )  # fmt: skip
    return MinedClass(bank, members)


def _cluster(vectors: Tensor, n_clusters: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return labels and centres; k shrinks to the number of distinct vectors."""
    from sklearn.cluster import KMeans

    n_distinct = len(torch.unique(vectors, dim=0))
    kmeans = KMeans(min(n_clusters, n_distinct), n_init=N_INIT, random_state=seed)
    labels = kmeans.fit_predict(vectors.numpy())
    centres = torch.from_numpy(kmeans.cluster_centers_).float()
    return torch.from_numpy(labels).long(), centres


def _describe(
    class_id: int,
    class_name: str,
    segments: SegmentSet,
    embeddings: Tensor,
    coverage: Tensor,
    members: Tensor,
    centres: Tensor,
    matched: Tensor,
    params: ConceptGraphParams,
) -> ConceptBank:
    n, n_total = len(centres), segments.n_images
    image = segments.image_index.cpu()
    distances = torch.cdist(embeddings, centres)  # (S, M)
    columns: dict[str, list[Tensor]] = {
        name: []
        for name in ("thresholds", "n_segments", "n_images", "popular", "gate_share",
                     "detection_rate", "exemplar_segments")
    }  # fmt: skip
    for cluster in range(n):
        own = (members == cluster).nonzero().flatten()
        distance = distances[own, cluster]
        threshold = torch.quantile(distance, params.graph.threshold_quantile)
        n_images = len(torch.unique(image[own]))
        detected = torch.unique(image[matched & (distances[:, cluster] <= threshold)])
        columns["thresholds"].append(threshold)
        columns["n_segments"].append(torch.tensor(len(own)))
        columns["n_images"].append(torch.tensor(n_images))
        popular = is_popular(len(own), n_images, n_total, params.clusters.min_segments)
        columns["popular"].append(torch.tensor(popular))
        columns["gate_share"].append(coverage[own].mean())
        columns["detection_rate"].append(torch.tensor(len(detected) / n_total))
        exemplars = _exemplars(own, distance, image, params.clusters.n_exemplars)
        columns["exemplar_segments"].append(exemplars)
    known = {name: torch.stack(values) for name, values in columns.items()}
    unknown = torch.full((n,), float("nan"))
    return ConceptBank(
        concept_ids=tuple(f"{class_name}/k{cluster:02d}" for cluster in range(n)),
        class_ids=torch.full((n,), class_id, dtype=torch.int64),
        centres=centres,
        tcav_score=unknown, tcav_low=unknown, tcav_high=unknown, tcav_magnitude=unknown,
        p_value=unknown, margin_fall=unknown, significant=torch.zeros(n, dtype=torch.bool),
        uniqueness=torch.full((n,), float("inf")),
        score=known["n_images"] / n_total,
        **known,
    )  # fmt: skip


def is_popular(n_segments: int, n_images: int, n_total: int, min_segments: int) -> bool:
    """Tell whether m segments from u of T images are common enough for a concept (ACE's rules)."""
    m, u = n_segments, n_images
    return m >= min_segments and (
        u > 0.5 * m or (u > 0.25 * m and u > 0.25 * n_total) or (u > 0.1 * m and u > 0.5 * n_total)
    )


def _exemplars(own: Tensor, distance: Tensor, image: Tensor, n_exemplars: int) -> Tensor:
    """Return the closest members from distinct images, padded with -1."""
    chosen: dict[int, int] = {}
    for row in own[torch.argsort(distance, stable=True)].tolist():
        chosen.setdefault(int(image[row]), row)
        if len(chosen) == n_exemplars:
            break
    padded = torch.full((n_exemplars,), -1, dtype=torch.int64)
    padded[: len(chosen)] = torch.tensor(list(chosen.values()), dtype=torch.int64)
    return padded
