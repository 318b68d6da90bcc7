"""Class concept graphs (C-SCG) and the image graphs (I-SCG) matched to them; values only.

Source: He et al. 2023 (arXiv:2401.05461), after Ge et al. 2021 (VRX). Shape legend: B images · n
    class graphs ·
K concepts per graph · E = K(K-1) edges · D features.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, get_args

import torch
from torch import Tensor

from feedback.canonical import canonical_json, sha256_hex
from feedback.errors import NoConceptsFoundError
from models.concept_graph.bank import ConceptBank, top_concepts

EdgeState = Literal["auto", "removed", "added"]
"""``auto`` as mined; ``removed`` carries nothing; ``added`` has a dependency above 0."""


def edge_pairs(n_concepts: int) -> tuple[tuple[int, int], ...]:
    """List the directed edges of a complete graph by source, then target, without self loops."""
    return tuple((s, t) for s in range(n_concepts) for t in range(n_concepts) if s != t)


def edge_index(n_concepts: int, n_graphs: int = 1) -> Tensor:
    """Build the edges of ``n_graphs`` disjoint complete graphs in the project's edge order.

    Args:
        n_concepts: K, nodes per graph.
        n_graphs: Graphs in the union; node k of graph g is row ``g * K + k``.

    Returns:
        int64 (2, n_graphs * E); row 0 the source j, row 1 the target i, as torch-geometric wants
        it.
    """
    pairs = torch.tensor(edge_pairs(n_concepts), dtype=torch.int64).reshape(-1, 2).T  # (2, E)
    offsets = torch.arange(n_graphs, dtype=torch.int64) * n_concepts
    return (pairs[:, None, :] + offsets[None, :, None]).reshape(2, -1)


def edge_position(n_concepts: int, source: int, target: int) -> int:
    """Return the place of the edge ``source -> target`` in the edge order.

    Raises:
        ValueError: If the graph has no such edge.
    """
    if source == target or not (0 <= source < n_concepts and 0 <= target < n_concepts):
        raise ValueError(
            f"expected an edge between two different nodes of 0..{n_concepts - 1} "
            f"(got {source} -> {target})"
        )
    return source * (n_concepts - 1) + target - (target > source)


@dataclass(frozen=True)
class ClassGraph:
    """The K concepts that speak for one class, and what holds between them (C-SCG).

    Attributes:
        class_id: Index of the class in the dataset.
        class_name: Name of the class.
        concepts: K concept ids of the bank, most important first; this order decides who takes a
            segment first.
        edge_state: One ``EdgeState`` per edge, in the order of ``edge_pairs``.
    """

    class_id: int
    class_name: str
    concepts: tuple[str, ...]
    edge_state: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.concepts) < 2 or len(set(self.concepts)) != len(self.concepts):
            raise ValueError(f"expected at least two different concepts (got {self.concepts})")
        n_edges = len(self.concepts) * (len(self.concepts) - 1)
        unknown = set(self.edge_state) - set(get_args(EdgeState))
        if len(self.edge_state) != n_edges or unknown:
            raise ValueError(
                f"expected {n_edges} edge states out of {get_args(EdgeState)} "
                f"(got {len(self.edge_state)}, of them unknown {sorted(unknown)})"
            )

    @property
    def n_concepts(self) -> int:
        """K, nodes of this graph."""
        return len(self.concepts)

    @property
    def revision(self) -> str:
        """Digest of the content, ``sha256:...``; edits name the revision they were made on."""
        return "sha256:" + sha256_hex(canonical_json(self.to_json()))

    def to_json(self) -> dict[str, Any]:
        """Return the graph as plain JSON values."""
        return {
            "class_id": self.class_id,
            "class_name": self.class_name,
            "concepts": list(self.concepts),
            "edge_state": list(self.edge_state),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Rebuild a graph from what ``to_json`` returned."""
        return cls(
            class_id=int(value["class_id"]),
            class_name=str(value["class_name"]),
            concepts=tuple(value["concepts"]),
            edge_state=tuple(value["edge_state"]),
        )


def initial_graph(bank: ConceptBank, class_id: int, n_concepts: int) -> ClassGraph:
    """Build the graph of a class from its best concepts: complete, every edge ``auto``.

    Args:
        bank: Scored concepts; ids read ``<class name>/<cluster>``.
        class_id: Class whose graph is built.
        n_concepts: K.

    Raises:
        NoConceptsFoundError: If the class has fewer than K concepts.
    """
    concepts = tuple(bank.concept_ids[row] for row in top_concepts(bank, class_id, n_concepts))
    if len(concepts) < n_concepts:
        raise NoConceptsFoundError(
            f"expected {n_concepts} concepts of class {class_id} (got {len(concepts)}); "
            "lower graph.n_concepts or clusters.min_segments, or give the class more images"
        )
    return ClassGraph(
        class_id=class_id,
        class_name=concepts[0].rsplit("/", 1)[0],
        concepts=concepts,
        edge_state=("auto",) * (n_concepts * (n_concepts - 1)),
    )


@dataclass(frozen=True)
class ImageGraphs:
    """One graph per image and class (I-SCG): which segment stands for which concept, and where.

    Attributes:
        nodes: Features of the nearest free segment (B, n, K, D), float32; also kept where the
            concept is not detected.
        present: True where the concept is detected (B, n, K), bool.
        positions: Centroid (x, y) in [0, 1] of that segment (B, n, K, 2), float32.
        distances: L2 distance to the concept's centre (B, n, K), float32; inf where no segment was
            left.
        segment_index: Row of the segment in the set that was matched (B, n, K), int64; -1 where
            none was left.
    """

    nodes: Tensor
    present: Tensor
    positions: Tensor
    distances: Tensor
    segment_index: Tensor

    def __post_init__(self) -> None:
        shape = self.nodes.shape[:3]
        for name in ("present", "positions", "distances", "segment_index"):
            value: Tensor = getattr(self, name)
            if value.shape[:3] != shape:
                raise ValueError(
                    f"expected {name} to begin with {tuple(shape)} (got {tuple(value.shape)})"
                )

    def __len__(self) -> int:
        return len(self.nodes)

    def select(self, index: Tensor) -> "ImageGraphs":
        """Return the graphs of the images at ``index`` (positions or a mask), in that order."""
        return self._each(lambda value: value[index])

    def select_classes(self, index: Sequence[int]) -> "ImageGraphs":
        """Return only the class graphs at ``index`` (positions along n), in that order."""
        return self._each(lambda value: value[:, list(index)])

    def to(self, device: torch.device | str) -> "ImageGraphs":
        """Return the graphs on ``device``."""
        return self._each(lambda value: value.to(device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "ImageGraphs":
        return ImageGraphs(**{f.name: change(getattr(self, f.name)) for f in fields(self)})


def concatenate_graphs(parts: Sequence[ImageGraphs]) -> ImageGraphs:
    """Join graphs of several image sets; segment rows stay those of their own set."""
    return ImageGraphs(
        **{
            field.name: torch.cat([getattr(part, field.name) for part in parts])
            for field in fields(ImageGraphs)
        }
    )
