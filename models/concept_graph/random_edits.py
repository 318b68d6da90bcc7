"""Random edits of a reviewer's size: the control that tells insight from disturbance."""

from collections.abc import Sequence
from typing import TypeVar

import torch

from feedback.channels.concept_graph.ops import (
    AddEdge,
    GraphEdit,
    GraphOp,
    RemoveEdge,
    ReplaceConcept,
)
from models.concept_graph.bank import ConceptBank
from models.concept_graph.graph import ClassGraph, edge_pairs

T = TypeVar("T")


def random_edits(
    graphs: Sequence[ClassGraph],
    bank: ConceptBank,
    like: Sequence[GraphEdit],
    generator: torch.Generator,
) -> list[GraphEdit]:
    """Draw edits of the same classes with as many operations of each kind.

    Replacements come from the popular concepts of the same class, as long as there are enough, so
    that the control is not handicapped by clusters that hardly ever occur.

    Args:
        graphs: Class graphs that were shown.
        bank: Concepts to draw from.
        like: The reviewer's edits; only their classes and the kinds and number of operations are
            read.
        generator: Source of the draws, on the CPU.

    Returns:
        One edit per edit of ``like``, on the same base; slots and edges are drawn without
        replacement.

    Raises:
        ValueError: If a class has no graph, or too few concepts, slots or edges for so many
            operations.
    """
    graph_of = {graph.class_name: graph for graph in graphs}
    drawn = []
    for edit in like:
        graph = graph_of.get(edit.class_name)
        if graph is None:
            raise ValueError(f"expected a graph of class {edit.class_name!r} (got none)")
        ops = _random_ops(graph, bank, edit.ops, generator)
        drawn.append(
            GraphEdit(class_name=graph.class_name, base_cscg=graph.revision, ops=tuple(ops))
        )
    return drawn


def _random_ops(
    graph: ClassGraph, bank: ConceptBank, like: Sequence[GraphOp], generator: torch.Generator
) -> list[GraphOp]:
    n_replaced = sum(isinstance(op, ReplaceConcept) for op in like)
    slots = _draw(range(graph.n_concepts), n_replaced, "slots", generator)
    concepts = _draw(_candidates(graph, bank, n_replaced), n_replaced, "concepts", generator)
    edges = edge_pairs(graph.n_concepts)
    # An edge added both ways takes its reverse with it, so such pairs are drawn first and as a
    # whole.
    both = sum(isinstance(op, AddEdge) and op.bidirectional for op in like)
    pairs = _draw([(s, t) for s, t in edges if s < t], both, "pairs of nodes", generator)
    free = [(s, t) for s, t in edges if (min(s, t), max(s, t)) not in pairs]
    single = _draw(free, len(like) - n_replaced - both, "edges", generator)
    ops: list[GraphOp] = []
    for op in like:
        if isinstance(op, ReplaceConcept):
            slot = slots.pop()
            ops.append(ReplaceConcept(slot=slot, from_=graph.concepts[slot], to=concepts.pop()))
        elif isinstance(op, RemoveEdge):
            src, dst = single.pop()
            ops.append(RemoveEdge(src=src, dst=dst))
        else:
            src, dst = (pairs if op.bidirectional else single).pop()
            ops.append(AddEdge(src=src, dst=dst, bidirectional=op.bidirectional))
    return ops


def _candidates(graph: ClassGraph, bank: ConceptBank, wanted: int) -> list[str]:
    rows = [r for r in bank.of_class(graph.class_id) if bank.concept_ids[r] not in graph.concepts]
    popular = [row for row in rows if bool(bank.popular[row])]
    chosen = popular if len(popular) >= wanted else rows
    return [bank.concept_ids[row] for row in chosen]


def _draw(values: Sequence[T], count: int, what: str, generator: torch.Generator) -> list[T]:
    if count > len(values):
        raise ValueError(f"expected at least {count} {what} to draw from (got {len(values)})")
    order = torch.randperm(len(values), generator=generator)[:count]
    return [values[i] for i in order.tolist()]
