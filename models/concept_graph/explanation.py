"""Why the reasoner answered as it did: what every node and edge added to every logit.

Contributions are of the reasoner, not of the classifier; show ``fitting.agreement`` beside them.
Shape legend: B images · n class graphs (and logits) · K concepts · E edges · V width of one graph's
vector.
"""

from dataclasses import dataclass, fields
from typing import NamedTuple

import torch
from torch import Tensor

from models.concept_graph.ensemble import ReasonerEnsemble
from models.concept_graph.graph import ImageGraphs
from models.concept_graph.reasoner import GraphReasoner

_BATCH = 256


@dataclass(frozen=True)
class Contributions:
    """What nodes and edges of all class graphs added to all logits; positive supports the class.

    Attributes:
        nodes: (B, n logit, n graph, K).
        edges: (B, n logit, n graph, E), in the order of ``edge_pairs``.
        bias: What the embedding network adds whatever it sees (n,).
        logits: The reasoner's logits (B, n).
    """

    nodes: Tensor
    edges: Tensor
    bias: Tensor
    logits: Tensor

    def to(self, device: torch.device | str) -> "Contributions":
        """Return the contributions on ``device``."""
        moved = {field.name: getattr(self, field.name).to(device) for field in fields(self)}
        return Contributions(**moved)

    def completeness_gap(self) -> float:
        """Return the largest ``|contributions + bias - logit|``; only rounding if E is linear."""
        total = self.nodes.sum(dim=(2, 3)) + self.edges.sum(dim=(2, 3)) + self.bias
        return float((total - self.logits).abs().max()) if len(total) else 0.0


class GraphShare(NamedTuple):
    """Contributions of one or more class graphs to one logit.

    Attributes:
        nodes: (..., K).
        edges: (..., E).
    """

    nodes: Tensor
    edges: Tensor


class WhyNot(NamedTuple):
    """Why an image was not given another class.

    Attributes:
        towards_other: What all n graphs added to the other class's logit, (n, K) and (n, E).
        other_to_predicted: What the other class's graph added to the predicted logit, (K,) and
            (E,).
    """

    towards_other: GraphShare
    other_to_predicted: GraphShare


def contributions(ensemble: ReasonerEnsemble, graphs: ImageGraphs) -> Contributions:
    """Split every logit into what each node and each edge added to it.

    Implements He et al. 2023 (arXiv:2401.05461), Eq. 3 and 4, mended: ``grad_i = d y^c / d
    G(h_i)``, ``s_i = grad_i^T G(h_i)``, summed over the slots of one node or edge. With a linear E
    the gradient is E's weight, and ``sum_i s_i + bias_c = y^c`` exactly, for every member and so
    for their means.

    Args:
        ensemble: Used in evaluation mode (its mode is restored).
        graphs: Graphs of B images.

    Returns:
        Means over the members, on their device. With a hidden layer in E they are first-order, and
        ``bias`` is 0.
    """
    found = [_contributions_of(one, graphs) for one in ensemble.reasoners]

    def mean(values: list[Tensor]) -> Tensor:
        return torch.stack(values).mean(dim=0)

    return Contributions(
        nodes=mean([one.nodes for one in found]),
        edges=mean([one.edges for one in found]),
        bias=mean([one.bias for one in found]),
        logits=mean([one.logits for one in found]),
    )


@torch.no_grad()
def _contributions_of(reasoner: GraphReasoner, graphs: ImageGraphs) -> Contributions:
    was_training, device = reasoner.training, reasoner.dependency.device
    reasoner.eval()
    nodes, edges, logits = [], [], []
    for start in range(0, len(graphs), _BATCH):
        part = graphs.select(torch.arange(start, min(start + _BATCH, len(graphs)))).to(device)
        output = reasoner.reason(part)
        gradient = embedding_gradient(reasoner, output.graph_vectors)  # (b, n, n, V)
        share = gradient * output.graph_vectors[:, None]
        width = reasoner.n_concepts * reasoner.params.node_dims[-1]
        shape = share.shape[:3]
        nodes.append(share[..., :width].reshape(*shape, reasoner.n_concepts, -1).sum(dim=-1))
        edges.append(share[..., width:].reshape(*shape, reasoner.n_edges, -1).sum(dim=-1))
        logits.append(output.logits)
    reasoner.train(was_training)
    n = reasoner.n_classes
    is_linear = reasoner.hidden is None
    bias = reasoner.embedding.bias.detach().clone() if is_linear else torch.zeros(n, device=device)
    if not nodes:
        empty = torch.zeros(0, n, n, reasoner.n_concepts, device=device)
        return Contributions(
            empty, empty.new_zeros(0, n, n, reasoner.n_edges), bias, empty.new_zeros(0, n)
        )
    return Contributions(torch.cat(nodes), torch.cat(edges), bias, torch.cat(logits))


def embedding_gradient(reasoner: GraphReasoner, graph_vectors: Tensor) -> Tensor:
    """Compute d logit_c / d graph vectors: E's weight, or by autograd when E has a hidden layer.

    Args:
        reasoner: Whose E.
        graph_vectors: G(h) (B, n, V).

    Returns:
        Gradients (B, n logit, n graph, V); (1, n, n, V) when they are the same for all images.
    """
    n = reasoner.n_classes
    if reasoner.hidden is None:
        return reasoner.embedding.weight.detach().reshape(1, n, n, -1)
    with torch.enable_grad():
        vectors = graph_vectors.detach().requires_grad_()
        logits = reasoner.embed(vectors)
        rows = [
            torch.autograd.grad(logits[:, c].sum(), vectors, retain_graph=c + 1 < n)[0]
            for c in range(n)
        ]
    return torch.stack(rows, dim=1)


def why(shares: Contributions, image: int, predicted: int) -> GraphShare:
    """Return what all graphs added to the predicted class's logit: nodes (n, K), edges (n, E).

    Args:
        shares: Contributions of a batch.
        image: Row of the batch.
        predicted: Position of the class among the class graphs.
    """
    return GraphShare(shares.nodes[image, predicted], shares.edges[image, predicted])


def why_not(shares: Contributions, image: int, predicted: int, other: int) -> WhyNot:
    """Return what spoke against another class: see ``WhyNot``.

    Args:
        shares: Contributions of a batch.
        image: Row of the batch.
        predicted: Position of the class that the image was given.
        other: Position of the class that it was not given.

    Raises:
        ValueError: If both are the same class.
    """
    if predicted == other:
        raise ValueError(f"expected a class other than the predicted one (got {other} for both)")
    return WhyNot(
        towards_other=why(shares, image, other),
        other_to_predicted=GraphShare(
            shares.nodes[image, predicted, other], shares.edges[image, predicted, other]
        ),
    )


def mean_own_contributions(shares: Contributions, labels: Tensor) -> GraphShare:
    """Average what each class's graph adds to its own logit over the images of that class.

    The figure draws edges as thick as the absolute value of these, coloured by their sign. The mean
    of absolute values would tell more of an edge that helps one image and hurts the next, but then
    width and colour would be of two different numbers; what people see sums up to the logit.

    Args:
        shares: Contributions of B images.
        labels: Position of each image's class among the class graphs (B,), int64.

    Returns:
        Means, nodes (n, K) and edges (n, E); zeros for a class without images.
    """
    n = shares.bias.shape[0]
    own = torch.arange(n, device=shares.bias.device)
    belongs = torch.nn.functional.one_hot(labels.to(own.device), n).to(shares.nodes.dtype)  # (B, n)
    count = belongs.sum(dim=0).clamp(min=1)[:, None]
    nodes, edges = shares.nodes[:, own, own], shares.edges[:, own, own]  # (B, n, K), (B, n, E)
    return GraphShare(
        torch.einsum("bn,bnk->nk", belongs, nodes) / count,
        torch.einsum("bn,bne->ne", belongs, edges) / count,
    )
