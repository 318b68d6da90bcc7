import pytest
import torch
from torch import Tensor

from models.concept_graph.ensemble import ReasonerEnsemble
from models.concept_graph.explanation import (
    Contributions,
    contributions,
    mean_own_contributions,
    why,
    why_not,
)
from models.concept_graph.graph import ClassGraph, ImageGraphs
from models.concept_graph.params import ReasonerParams
from models.concept_graph.reasoner import GraphReasoner
from tests.models.concept_graph.image_graphs import random_image_graphs

N, K, E, D = 3, 4, 12, 6


def _graphs(b: int = 5) -> ImageGraphs:
    return random_image_graphs(b, N, K, D, absent=0.2)


def _reasoner(hidden: int = 0, seed: int = 2) -> GraphReasoner:
    graphs = [
        ClassGraph(i, f"c{i}", ("a", "b", "c", "d"), ("removed", "added") + ("auto",) * 10)
        for i in range(N)
    ]
    return GraphReasoner(graphs, D, ReasonerParams(hidden=hidden), seed=seed)


def _ensemble(hidden: int = 0) -> ReasonerEnsemble:
    return ReasonerEnsemble([_reasoner(hidden, seed) for seed in (2, 3)])


def _autograd(reasoner: GraphReasoner, graphs: ImageGraphs) -> tuple[Tensor, Tensor]:
    """Gradient times value at the input of E, summed slot by slot: Eq. 3 and 4 as written."""
    vectors = reasoner.eval().reason(graphs).graph_vectors.detach().requires_grad_()
    logits = reasoner.embed(vectors)
    nodes, edges = torch.zeros(len(graphs), N, N, K), torch.zeros(len(graphs), N, N, E)
    for c in range(N):
        (gradient,) = torch.autograd.grad(logits[:, c].sum(), vectors, retain_graph=True)
        product = gradient * vectors.detach()
        for k in range(K):
            nodes[:, c, :, k] = product[:, :, 32 * k : 32 * (k + 1)].sum(dim=2)
        for e in range(E):
            start = 32 * K + 5 * e
            edges[:, c, :, e] = product[:, :, start : start + 5].sum(dim=2)
    return nodes, edges


def test_contributions_and_bias_sum_to_the_logits() -> None:
    shares = contributions(_ensemble(), _graphs())
    total = shares.nodes.sum(dim=(2, 3)) + shares.edges.sum(dim=(2, 3)) + shares.bias
    torch.testing.assert_close(total, shares.logits, rtol=0, atol=1e-4)
    assert shares.completeness_gap() < 1e-4


@pytest.mark.parametrize("hidden", [0, 7])
def test_the_closed_form_equals_gradient_times_value(hidden: int) -> None:
    ensemble = _ensemble(hidden)
    shares = contributions(ensemble, _graphs())
    first, second = (_autograd(reasoner, _graphs()) for reasoner in ensemble.reasoners)
    nodes, edges = (first[0] + second[0]) / 2, (first[1] + second[1]) / 2
    torch.testing.assert_close(shares.nodes, nodes, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(shares.edges, edges, rtol=1e-4, atol=1e-5)


def test_a_removed_edge_contributes_nothing() -> None:
    shares = contributions(_ensemble(), _graphs())
    assert (shares.edges[..., 0] == 0).all()
    assert (shares.edges[..., 1:] != 0).any()


def test_explaining_leaves_the_reasoner_as_it_was() -> None:
    reasoner = _ensemble().train()
    before = {name: value.clone() for name, value in reasoner.state_dict().items()}
    contributions(reasoner, _graphs())
    assert reasoner.training
    assert all(torch.equal(value, before[name]) for name, value in reasoner.state_dict().items())


def test_the_order_of_images_does_not_matter() -> None:
    reasoner, graphs = _ensemble(), _graphs()
    order = torch.tensor([4, 2, 0, 1, 3])
    straight = contributions(reasoner, graphs)
    shuffled = contributions(reasoner, graphs.select(order))
    torch.testing.assert_close(shuffled.nodes, straight.nodes[order])


def test_no_images_give_no_contributions() -> None:
    shares = contributions(_ensemble(), _graphs().select(torch.zeros(5, dtype=torch.bool)))
    assert shares.nodes.shape == (0, N, N, K)
    assert shares.completeness_gap() == 0


def _numbered() -> Contributions:
    nodes = torch.arange(2 * 2 * 2 * 2, dtype=torch.float32).reshape(2, 2, 2, 2)
    return Contributions(nodes, -nodes, torch.zeros(2), torch.zeros(2, 2))


def test_why_and_why_not_read_the_right_rows() -> None:
    shares = _numbered()
    assert why(shares, image=1, predicted=0).nodes.tolist() == [[8, 9], [10, 11]]
    reasons = why_not(shares, image=1, predicted=0, other=1)
    assert reasons.towards_other.nodes.tolist() == [[12, 13], [14, 15]]
    assert reasons.other_to_predicted.nodes.tolist() == [10, 11]
    assert reasons.other_to_predicted.edges.tolist() == [-10, -11]


def test_why_not_needs_another_class() -> None:
    with pytest.raises(ValueError, match="other than the predicted"):
        why_not(_numbered(), image=0, predicted=1, other=1)


def test_means_are_over_the_images_of_each_class() -> None:
    one_class = mean_own_contributions(_numbered(), torch.tensor([0, 0]))
    # logit 0 from graph 0: [0, 1] in image 0, [8, 9] in image 1; class 1 has no image
    assert one_class.nodes.tolist() == [[4, 5], [0, 0]]
    each = mean_own_contributions(_numbered(), torch.tensor([1, 0]))
    assert each.nodes.tolist() == [[8, 9], [6, 7]]
