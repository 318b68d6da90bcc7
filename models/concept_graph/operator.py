"""The layer of the graph reasoning network as a torch-geometric operator.

For users who read or swap operators with torch-geometric; importing it takes seconds, so nothing
else here does. Shape legend: N nodes and A edges of a union of disjoint graphs · F node width · G
edge width.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torch_geometric.nn import MessagePassing

from models.concept_graph.graph import edge_index as union_edges
from models.concept_graph.layer import ConceptLayer, NodesAndEdges
from models.concept_graph.reasoner import GraphReasoner, ReasonerOutput


class ConvOutput(NamedTuple):
    """What ``ConceptConv`` gives.

    Attributes:
        nodes: h (N, F).
        edges: a' (A, G).
    """

    nodes: Tensor
    edges: Tensor


class ConceptConv(MessagePassing):  # type: ignore[misc]
    r"""Pass messages between concepts along weighted, masked edges.

    Implements one layer of Ge et al. 2021 (VRX), from source j to target i::

        a'_ij = BN( W4 a_ij + b4 )
        m_ij  = W3 [ e_ij * (W2 h_j + b2) || a'_ij ] + b3
        h'_i  = W1 h_i + b1 + sum_{j -> i} M_e,ij * m_ij
        h_i  <- BN( ReLU( h'_i ) )

    Args:
        layer: Weights; shared with, not copied from, the dense form.

    Shapes:
        - **input:** nodes (N, F_in), edge_index (2, A), edge_attr (A, G_in), dependency (A,),
        edge_mask (A,) - **output:** nodes (N, F), edges (A, G)
    """

    def __init__(self, layer: ConceptLayer) -> None:
        super().__init__(aggr="add", flow="source_to_target")
        self.layer = layer

    def forward(
        self,
        nodes: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor,
        dependency: Tensor,
        edge_mask: Tensor,
    ) -> ConvOutput:
        """Apply the operator; see the class for shapes."""
        layer = self.layer
        edges = layer.edge_norm(layer.w4(edge_attr))
        summed = self.propagate(
            edge_index,
            projected=layer.w2(nodes),
            edges=edges,
            dependency=dependency,
            edge_mask=edge_mask,
        )
        return ConvOutput(layer.node_norm(functional.relu(layer.w1(nodes) + summed)), edges)

    def message(
        self, projected_j: Tensor, edges: Tensor, dependency: Tensor, edge_mask: Tensor
    ) -> Tensor:
        """Compute M_e,ij * m_ij of every edge (A, F)."""
        parts = torch.cat([dependency[:, None] * projected_j, edges], dim=1)
        message: Tensor = edge_mask[:, None] * self.layer.w3(parts)
        return message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.layer.w1.in_features}, {self.layer.w1.out_features})"


def reason_with_operator(
    reasoner: GraphReasoner, nodes: Tensor, present: Tensor, positions: Tensor
) -> ReasonerOutput:
    """Reason about images through ``ConceptConv`` on one disjoint union of all graphs of the batch.

    Equal to ``reasoner(nodes, present, positions)`` up to rounding.

    Args:
        reasoner: Weights, masks and dependencies.
        nodes: Segment features (B, n, K, D).
        present: True where the concept was detected (B, n, K).
        positions: Segment centroids (B, n, K, 2) in [0, 1].

    Returns:
        Logits (B, n) and graph vectors (B, n, V).
    """
    inputs = reasoner.edge_inputs(present, positions)
    b, n, k = present.shape
    index = union_edges(k, b * n).to(nodes.device)
    per_edge = (b, n, reasoner.n_edges)
    dependency = reasoner.effective_dependency().expand(per_edge).reshape(-1)
    mask = inputs.edge_mask.expand(per_edge).reshape(-1)
    h = reasoner.standardise(nodes, present).flatten(0, 2)
    a = inputs.features.flatten(0, 2)
    for layer in reasoner.layers:
        if not isinstance(layer, ConceptLayer):
            raise TypeError(f"expected ConceptLayer (got {type(layer).__name__})")
        h, a = ConceptConv(layer)(h, index, a, dependency, mask)
    graphs = NodesAndEdges(h.reshape(b, n, k, -1), a.reshape(*per_edge, -1))
    return reasoner.read_out(graphs, inputs)
