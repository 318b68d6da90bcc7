from dataclasses import replace

import pytest
import torch

from models.concept_graph.graph import (
    ClassGraph,
    ImageGraphs,
    concatenate_graphs,
    edge_index,
    edge_pairs,
    edge_position,
)
from tests.models.concept_graph.image_graphs import make_image_graphs


def _graph(**changes: object) -> ClassGraph:
    values = {
        "class_id": 3,
        "class_name": "Type 001",
        "concepts": ("a/k0", "a/k1", "a/k2"),
        "edge_state": ("auto",) * 6,
    }
    return ClassGraph(**(values | changes))  # type: ignore[arg-type]


def _image_graphs(n_images: int) -> ImageGraphs:
    numbers = torch.arange(n_images * 2 * 3 * 5, dtype=torch.float32)
    return make_image_graphs(numbers.reshape(n_images, 2, 3, 5))


def test_edges_are_ordered_by_source_then_target_without_self_loops() -> None:
    assert edge_pairs(3) == ((0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1))
    assert edge_index(3).tolist() == [[0, 0, 1, 1, 2, 2], [1, 2, 0, 2, 0, 1]]


def test_a_union_of_graphs_shifts_each_graph_by_its_nodes() -> None:
    union = edge_index(3, n_graphs=2)
    assert torch.equal(union[:, :6], edge_index(3))
    assert torch.equal(union[:, 6:], edge_index(3) + 3)


@pytest.mark.parametrize("n_concepts", [2, 4, 7])
def test_edge_position_inverts_the_edge_order(n_concepts: int) -> None:
    pairs = edge_pairs(n_concepts)
    assert [edge_position(n_concepts, s, t) for s, t in pairs] == list(range(len(pairs)))


@pytest.mark.parametrize(("source", "target"), [(1, 1), (-1, 0), (0, 3)])
def test_an_edge_that_does_not_exist_has_no_position(source: int, target: int) -> None:
    with pytest.raises(ValueError, match=r"expected an edge .*\(got"):
        edge_position(3, source, target)


def test_a_class_graph_survives_json_and_keeps_its_revision() -> None:
    graph = _graph(class_name="Кузнецов")
    again = ClassGraph.from_json(graph.to_json())
    assert again == graph
    assert again.revision == graph.revision
    assert graph.revision.startswith("sha256:")


def test_every_change_of_content_changes_the_revision() -> None:
    graph = _graph()
    others = [
        replace(graph, class_id=4),
        replace(graph, class_name="Type 002"),
        replace(graph, concepts=("a/k1", "a/k0", "a/k2")),
        replace(graph, edge_state=("removed", *("auto",) * 5)),
    ]
    assert len({graph.revision, *(other.revision for other in others)}) == 5


@pytest.mark.parametrize(
    "changes",
    [
        {"concepts": ("a/k0", "a/k0", "a/k2")},
        {"concepts": ("a/k0",)},
        {"edge_state": ("auto",) * 5},
        {"edge_state": ("gone",) * 6},
    ],
)
def test_a_malformed_class_graph_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\(got"):
        _graph(**changes)


def test_selecting_and_joining_image_graphs_keeps_rows_together() -> None:
    graphs = _image_graphs(4)
    some = graphs.select(torch.tensor([True, False, False, True]))
    assert torch.equal(some.nodes, graphs.nodes[[0, 3]])
    assert torch.equal(graphs.select_classes([1]).nodes, graphs.nodes[:, 1:])
    assert torch.equal(concatenate_graphs([some, graphs]).nodes[2:], graphs.nodes)


def test_image_graphs_of_unequal_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="present"):
        replace(_image_graphs(2), present=torch.ones(1, 2, 3, dtype=torch.bool))
