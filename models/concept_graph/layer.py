"""One layer of the graph reasoning network, in the dense form that training and export use.

``operator.py`` gives the same weights as a torch-geometric operator. Shape legend: B images · n
class graphs · K concepts · E edges · F node width · G edge width.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.concept_graph.graph import edge_pairs


class NodesAndEdges(NamedTuple):
    """What a layer takes and gives.

    Attributes:
        nodes: h (B, n, K, F).
        edges: a (B, n, E, G), in the order of ``edge_pairs``.
    """

    nodes: Tensor
    edges: Tensor


class ProjectedNodes(NamedTuple):
    """Nodes after the layer's two projections.

    Attributes:
        kept: W1 h + b1 (B, n, K, F).
        messages: W2 h + b2 (B, n, K, F).
    """

    kept: Tensor
    messages: Tensor


class ConceptLayer(nn.Module):
    """Pass messages between the concepts of every class graph.

    Implements one layer of Ge et al. 2021 (VRX) as its code has it, source j to target i, with the
    mask ``M_e`` of He et al. 2023's edge edits::

        a'_ij = BN( W4 a_ij + b4 )
        m_ij  = W3 [ e_ij * (W2 h_j + b2) || a'_ij ] + b3
        h'_i  = W1 h_i + b1 + sum_{j -> i} M_e,ij * m_ij
        h_i  <- BN( ReLU( h'_i ) )

    W3 is linear, so the dense form sums over sources first and multiplies once per node instead of
    once per edge.

    Args:
        in_nodes: Node width before the layer.
        out_nodes: Node width F after it.
        in_edges: Edge width before the layer.
        out_edges: Edge width G after it.
        n_concepts: K.
    """

    edge_slot: Tensor

    def __init__(
        self, *, in_nodes: int, out_nodes: int, in_edges: int, out_edges: int, n_concepts: int
    ) -> None:
        super().__init__()
        self.n_concepts = n_concepts
        self.w1 = nn.Linear(in_nodes, out_nodes)
        self.w2 = nn.Linear(in_nodes, out_nodes)
        self.w3 = nn.Linear(out_nodes + out_edges, out_nodes)
        self.w4 = nn.Linear(in_edges, out_edges)
        self.node_norm = nn.BatchNorm1d(out_nodes)
        self.edge_norm = nn.BatchNorm1d(out_edges)
        pairs = edge_pairs(n_concepts)
        # Place of edge j -> i in a row-major (target i, source j) matrix; the diagonal stays 0.
        slots = torch.tensor([target * n_concepts + source for source, target in pairs])
        self.register_buffer("edge_slot", slots, persistent=False)

    def forward(
        self, graphs: NodesAndEdges, dependency: Tensor, edge_mask: Tensor
    ) -> NodesAndEdges:
        """Apply the layer.

        Args:
            graphs: Nodes (B, n, K, F_in) and edges (B, n, E, G_in).
            dependency: e (n, E).
            edge_mask: M_e in {0, 1}, (n, E) or, when it depends on the image, (B, n, E).

        Returns:
            Nodes (B, n, K, F) and edges (B, n, E, G).
        """
        projected = ProjectedNodes(self.w1(graphs.nodes), self.w2(graphs.nodes))
        return self.pass_messages(projected, graphs.edges, dependency, edge_mask)

    def pass_messages(
        self, projected: ProjectedNodes, edges: Tensor, dependency: Tensor, edge_mask: Tensor
    ) -> NodesAndEdges:
        """Apply the layer to nodes that went through W1 and W2 already; see ``forward``."""
        edges = batch_norm(self.edge_norm, self.w4(edges))  # (B, n, E, G)
        weights = self._matrix(edge_mask * dependency)  # (..., n, K, K)
        from_nodes = weights @ projected.messages  # (B, n, K, F)
        mask = self._matrix(edge_mask)
        from_edges = self._sum_edges(edges * edge_mask[..., None])  # (B, n, K, G)
        width = self.w3.out_features
        message = (
            functional.linear(from_nodes, self.w3.weight[:, :width])
            + functional.linear(from_edges, self.w3.weight[:, width:])
            + mask.sum(dim=-1)[..., None] * self.w3.bias
        )
        nodes = batch_norm(self.node_norm, functional.relu(projected.kept + message))
        return NodesAndEdges(nodes, edges)

    def _matrix(self, values: Tensor) -> Tensor:
        """Lay edge values (..., E) out as matrices (..., K target, K source), diagonal 0."""
        k = self.n_concepts
        empty = values.new_zeros((*values.shape[:-1], k * k))
        return empty.index_copy(-1, self.edge_slot, values).reshape(*values.shape[:-1], k, k)

    def _sum_edges(self, values: Tensor) -> Tensor:
        """Sum edge values (B, n, E, G) over the edges that end in each node: (B, n, K, G)."""
        k = self.n_concepts
        empty = values.new_zeros((*values.shape[:-2], k * k, values.shape[-1]))
        laid_out = empty.index_copy(-2, self.edge_slot, values)
        return laid_out.reshape(*values.shape[:-2], k, k, values.shape[-1]).sum(dim=-2)


def batch_norm(norm: nn.BatchNorm1d, values: Tensor) -> Tensor:
    """Normalise the last dimension of ``values`` (..., F) over all others."""
    normalised: Tensor = norm(values.reshape(-1, values.shape[-1]))
    return normalised.reshape(values.shape)
