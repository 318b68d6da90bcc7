import warnings

import pytest
import torch

from models.concept_graph.graph import ClassGraph, edge_index
from models.concept_graph.params import ReasonerParams
from models.concept_graph.reasoner import Absent, GraphReasoner

with warnings.catch_warnings():
    # torch-geometric scripts classes while it is imported, which torch deprecates.
    warnings.simplefilter("ignore", DeprecationWarning)
    from models.concept_graph.operator import ConceptConv, reason_with_operator


def _reasoner(absent: Absent = "learned") -> GraphReasoner:
    graphs = [
        ClassGraph(i, f"c{i}", ("k0", "k1", "k2", "k3"), ("removed", "added") + ("auto",) * 10)
        for i in range(3)
    ]
    return GraphReasoner(graphs, 16, ReasonerParams(), absent=absent, seed=1)


@pytest.mark.parametrize("absent", ["learned", "ones", "masked"])
@pytest.mark.parametrize("training", [True, False])
def test_the_operator_equals_the_dense_form(absent: Absent, training: bool) -> None:
    reasoner = _reasoner(absent).train(training)
    generator = torch.Generator().manual_seed(0)
    nodes = torch.randn(5, 3, 4, 16, generator=generator)
    present = torch.rand(5, 3, 4, generator=generator) > 0.3
    positions = torch.rand(5, 3, 4, 2, generator=generator)
    dense = reasoner(nodes, present, positions)
    operator = reason_with_operator(reasoner, nodes, present, positions)
    torch.testing.assert_close(operator.graph_vectors, dense.graph_vectors, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(operator.logits, dense.logits, rtol=1e-4, atol=1e-5)


def test_both_forms_give_the_same_gradients() -> None:
    reasoner = _reasoner()
    generator = torch.Generator().manual_seed(0)
    inputs = (
        torch.randn(5, 3, 4, 16, generator=generator),
        torch.rand(5, 3, 4, generator=generator) > 0.3,
        torch.rand(5, 3, 4, 2, generator=generator),
    )
    gradients = []
    for form in (reasoner, lambda *values: reason_with_operator(reasoner, *values)):
        reasoner.zero_grad()
        form(*inputs).logits.square().sum().backward()
        gradients.append([p.grad.clone() for p in reasoner.parameters() if p.grad is not None])
    for dense, operator in zip(*gradients, strict=True):
        torch.testing.assert_close(operator, dense, rtol=1e-3, atol=1e-4)


def test_the_operator_names_itself_and_shapes_hold() -> None:
    conv = ConceptConv(_reasoner().layers[0])
    assert repr(conv) == "ConceptConv(16, 64)"
    result = conv(
        torch.randn(8, 16), edge_index(4, 2), torch.rand(24, 4), torch.ones(24), torch.ones(24)
    )
    assert result.nodes.shape == (8, 64)
    assert result.edges.shape == (24, 5)
