import torch
from torch import Tensor

from models.concept_graph.graph import edge_pairs
from models.concept_graph.layer import ConceptLayer, NodesAndEdges


def _layer(in_nodes: int, out_nodes: int, in_edges: int, out_edges: int, k: int) -> ConceptLayer:
    torch.manual_seed(0)
    return ConceptLayer(
        in_nodes=in_nodes,
        out_nodes=out_nodes,
        in_edges=in_edges,
        out_edges=out_edges,
        n_concepts=k,
    )


def _loops(
    layer: ConceptLayer, nodes: Tensor, edges: Tensor, dependency: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor]:
    """Transcribe the three equations with one Python loop per index (norms in eval mode)."""
    b, n, k, _ = nodes.shape
    new_edges = torch.stack(
        [torch.stack([layer.edge_norm(layer.w4(edges[i, c])) for c in range(n)]) for i in range(b)]
    )
    summed = torch.zeros(b, n, k, layer.w1.out_features)
    for i in range(b):
        for c in range(n):
            for position, (source, target) in enumerate(edge_pairs(k)):
                node_part = dependency[c, position] * layer.w2(nodes[i, c, source])
                message = layer.w3(torch.cat([node_part, new_edges[i, c, position]]))
                summed[i, c, target] += mask[c, position] * message
    hidden = torch.relu(layer.w1(nodes) + summed)
    return layer.node_norm(hidden.flatten(0, 2)).reshape(hidden.shape), new_edges


def test_the_layer_gives_numbers_computed_by_hand() -> None:
    layer = _layer(1, 1, 4, 1, 2).eval()
    with torch.no_grad():
        for linear, weight, bias in (
            (layer.w1, [[2.0]], [0.5]),
            (layer.w2, [[3.0]], [1.0]),
            (layer.w3, [[10.0, 100.0]], [7.0]),
            (layer.w4, [[1.0, 0.0, 0.0, 1.0]], [0.25]),
        ):
            linear.weight.copy_(torch.tensor(weight))
            linear.bias.copy_(torch.tensor(bias))
        for norm in (layer.node_norm, layer.edge_norm):
            norm.running_var.fill_(1.0 - norm.eps)  # makes the norm the identity
    nodes = torch.tensor([[[[1.0], [2.0]]]])  # h_0 = 1, h_1 = 2
    edges = torch.tensor([[[[0.5, 0.0, 0.0, 0.25], [0.0, 0.0, 0.0, 1.0]]]])  # 0->1, then 1->0
    result = layer(NodesAndEdges(nodes, edges), torch.tensor([[0.5, -1.0]]), torch.ones(1, 2))
    # a'(0->1) = 0.5 + 0.25 + 0.25 = 1; m(0->1) = 10 * 0.5 * (3 + 1) + 100 * 1 + 7 = 127
    # a'(1->0) = 1 + 0.25 = 1.25;       m(1->0) = 10 * -1 * (6 + 1) + 100 * 1.25 + 7 = 62
    # h'_0 = 2.5 + 62, h'_1 = 4.5 + 127
    assert torch.allclose(result.edges.flatten(), torch.tensor([1.0, 1.25]))
    assert torch.allclose(result.nodes.flatten(), torch.tensor([64.5, 131.5]))


def test_the_dense_form_equals_loops_over_every_edge() -> None:
    layer = _layer(6, 5, 4, 3, 4).eval()
    generator = torch.Generator().manual_seed(1)
    nodes = torch.randn(2, 3, 4, 6, generator=generator)
    edges = torch.rand(2, 3, 12, 4, generator=generator)
    dependency = torch.randn(3, 12, generator=generator)
    mask = (torch.rand(3, 12, generator=generator) > 0.4).float()
    dense = layer(NodesAndEdges(nodes, edges), dependency, mask)
    slow_nodes, slow_edges = _loops(layer, nodes, edges, dependency, mask)
    torch.testing.assert_close(dense.nodes, slow_nodes)
    torch.testing.assert_close(dense.edges, slow_edges)


def test_the_dependency_scales_only_the_node_part() -> None:
    layer = _layer(3, 2, 4, 2, 2).eval()
    edges = torch.rand(1, 1, 2, 4)
    silent = NodesAndEdges(torch.zeros(1, 1, 2, 3), edges)
    with torch.no_grad():
        layer.w2.bias.zero_()
    once = layer(silent, torch.ones(1, 2), torch.ones(1, 2))
    twice = layer(silent, torch.full((1, 2), 2.0), torch.ones(1, 2))
    assert torch.equal(once.nodes, twice.nodes)


def test_a_mask_per_image_equals_masking_that_image_alone() -> None:
    layer = _layer(3, 4, 4, 2, 3).eval()
    generator = torch.Generator().manual_seed(2)
    graphs = NodesAndEdges(
        torch.randn(2, 1, 3, 3, generator=generator), torch.rand(2, 1, 6, 4, generator=generator)
    )
    dependency = torch.randn(1, 6, generator=generator)
    mask = (torch.rand(2, 1, 6, generator=generator) > 0.5).float()
    together = layer(graphs, dependency, mask)
    for image in range(2):
        alone = layer(
            NodesAndEdges(*(values[image : image + 1] for values in graphs)),
            dependency,
            mask[image],
        )
        torch.testing.assert_close(together.nodes[image], alone.nodes[0])
