"""What a reviewer's edits mean for class graphs: new graphs, the old ones untouched.

Source: He et al. 2023 (arXiv:2401.05461), section III-B. Shape legend: n class graphs · K concepts
per graph · E edges.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from feedback.channels.concept_graph.ops import AddEdge, GraphEdit, RemoveEdge, ReplaceConcept
from feedback.errors import BundleMismatchError, ContradictionError, UnknownTargetError
from models.concept_graph.bank import ConceptBank
from models.concept_graph.graph import ClassGraph, edge_position


def apply_edits(
    graphs: Sequence[ClassGraph], edits: Sequence[GraphEdit], bank: ConceptBank
) -> list[ClassGraph]:
    """Apply all edits of a review to the graphs that the reviewer saw, or none.

    A replaced concept changes centre and threshold of its slot, so images must be matched again; a
    removed edge gets ``M_e = 0``; an added edge gets ``M_e = 1`` and a positive floor under its
    dependency. Applying the same edits to the same graphs always gives the same revisions; applying
    them to their own result is refused as stale.

    Deviates from the paper: on a complete graph there is no edge to add; an added edge is one that
    is asserted, with a dependency that starts at +1 and stays positive.

    Args:
        graphs: The n class graphs that were shown.
        edits: At most one edit per class, its operations in the order in which they were made.
        bank: Concepts that may stand in a graph.

    Returns:
        n class graphs in the order of ``graphs``; a class without edit keeps its graph.

    Raises:
        UnknownTargetError: If a class, slot, concept or edge does not exist, or the slot holds
            another concept.
        BundleMismatchError: If an edit was made on another revision of its graph.
        ContradictionError: If a class is edited twice, a concept would stand twice in a graph, or
            an edge is both removed and added.
    """
    place = {graph.class_name: index for index, graph in enumerate(graphs)}
    edited: dict[int, ClassGraph] = {}
    for edit in edits:
        index = place.get(edit.class_name)
        if index is None:
            raise UnknownTargetError(
                f"expected one of the classes under review, {sorted(place)} "
                f"(got {edit.class_name!r})"
            )
        if index in edited:
            raise ContradictionError(
                f"expected one edit of class {edit.class_name!r} (got two); "
                "put all operations into one"
            )
        edited[index] = apply_edit(graphs[index], edit, bank)
    return [edited.get(index, graph) for index, graph in enumerate(graphs)]


def apply_edit(graph: ClassGraph, edit: GraphEdit, bank: ConceptBank) -> ClassGraph:
    """Apply the edit of one class; see ``apply_edits``.

    Args:
        graph: Graph of the class, at the revision that the edit names.
        edit: Operations on it.
        bank: Concepts that may stand in a graph.

    Returns:
        The edited graph.
    """
    revision = graph.revision.removeprefix("sha256:")
    if edit.base_cscg != revision:
        raise BundleMismatchError(
            f"expected an edit of revision {revision[:12]} of {graph.class_name!r} "
            f"(got one of {edit.base_cscg[:12]}); the graph has changed since, review it again"
        )
    concepts, states = list(graph.concepts), list(graph.edge_state)
    touched: dict[int, str] = {}
    for op in edit.ops:
        if isinstance(op, ReplaceConcept):
            _replace(concepts, op, bank)
            continue
        for position in _edges_of(op, graph):
            state = "removed" if isinstance(op, RemoveEdge) else "added"
            if touched.setdefault(position, state) != state:
                raise ContradictionError(
                    f"expected the edge {op.src} -> {op.dst} of {graph.class_name!r} "
                    "to be removed or added (got both); keep one"
                )
            states[position] = state
    if len(set(concepts)) != len(concepts):
        twice = sorted({c for c in concepts if concepts.count(c) > 1})
        raise ContradictionError(
            f"expected every concept at most once in the graph of {graph.class_name!r} "
            f"(got {twice} twice)"
        )
    return replace(graph, concepts=tuple(concepts), edge_state=tuple(states))


def edge_mask(graphs: Sequence[ClassGraph]) -> Tensor:
    """Return ``M_e``: bool (n, E) in the order of ``edge_pairs``, False for a removed edge."""
    return torch.tensor([[state != "removed" for state in graph.edge_state] for graph in graphs])


def added_mask(graphs: Sequence[ClassGraph]) -> Tensor:
    """Return which edges were added: bool (n, E) in the order of ``edge_pairs``."""
    return torch.tensor([[state == "added" for state in graph.edge_state] for graph in graphs])


def replaced_slots(before: Sequence[ClassGraph], after: Sequence[ClassGraph]) -> Tensor:
    """Return the slots whose concept was rejected.

    Args:
        before: The n class graphs as mined.
        after: The same classes, edited.

    Returns:
        bool (n, K), True where the concept differs.

    Raises:
        ValueError: If the two do not speak of the same classes.
    """
    if [graph.class_id for graph in before] != [graph.class_id for graph in after]:
        raise ValueError("expected graphs of the same classes in the same order")
    return torch.tensor(
        [
            [old != new for old, new in zip(first.concepts, second.concepts, strict=True)]
            for first, second in zip(before, after, strict=True)
        ]
    )


def _replace(concepts: list[str], op: ReplaceConcept, bank: ConceptBank) -> None:
    if op.slot >= len(concepts):
        raise UnknownTargetError(f"expected a slot in 0..{len(concepts) - 1} (got {op.slot})")
    if concepts[op.slot] != op.from_:
        raise UnknownTargetError(
            f"expected slot {op.slot} to hold {op.from_!r} (got {concepts[op.slot]!r})"
        )
    if op.to not in bank.concept_ids:
        raise UnknownTargetError(f"expected a concept of the bank (got {op.to!r})")
    concepts[op.slot] = op.to


def _edges_of(op: RemoveEdge | AddEdge, graph: ClassGraph) -> list[int]:
    try:
        edges = [edge_position(graph.n_concepts, op.src, op.dst)]
    except ValueError as error:
        raise UnknownTargetError(f"{error} in the graph of {graph.class_name!r}") from None
    if isinstance(op, AddEdge) and op.bidirectional:
        edges.append(edge_position(graph.n_concepts, op.dst, op.src))
    return edges
