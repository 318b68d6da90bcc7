"""The graph reasoning network (GRN): class graphs of an image in, one logit per class out.

Source: Ge et al. 2021 (VRX) and its published code, with the edge states of He et al. 2023
    (arXiv:2401.05461).
Fitting is in ``fitting.py``, explanation in ``explanation.py``. Shape legend: B images · n class
graphs · K concepts · E edges · D features · V width of one graph's vector.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.concept_graph.graph import ClassGraph, ImageGraphs, edge_pairs
from models.concept_graph.layer import ConceptLayer, NodesAndEdges, ProjectedNodes
from models.concept_graph.params import ReasonerParams

Absent = Literal["learned", "ones", "masked"]

_POSITION_WIDTH = 4
_ADDED_FLOOR = 0.1
"""Least dependency of an added edge: positive, and small beside the N(0, 1) of the others."""


class ReasonerOutput(NamedTuple):
    """What the reasoner says about a batch of images.

    Attributes:
        logits: One per class graph (B, n).
        graph_vectors: G(h), node values then edge values of every class graph (B, n, V).
    """

    logits: Tensor
    graph_vectors: Tensor


class EdgeInputs(NamedTuple):
    """What the layers take besides node features.

    Attributes:
        features: a (B, n, E, 4).
        edge_mask: M_e, (n, E), or (B, n, E) when absent concepts are masked.
        node_mask: Nodes whose slots count, (B, n, K), or None when all do.
    """

    features: Tensor
    edge_mask: Tensor
    node_mask: Tensor | None


class GraphReasoner(nn.Module):
    """Reason over class concept graphs with weights shared by all classes.

    Three layers (``ConceptLayer``), a dependency e_ij per class graph and edge shared by the
    layers, and an embedding network E over the concatenated graph vectors, linear unless
    ``params.hidden`` is set.

    Deviates from the paper: node features are standardised with the training nodes' mean and
    deviation; BatchNorm sees mini-batches and is frozen at reasoning time (VRX normalises the four
    nodes of one image, always); an undetected concept has a learned feature and no edge positions
    (VRX: ones, and the position of the wrong segment).

    Args:
        class_graphs: n class graphs; only K and the edge states are kept.
        feature_dim: D.
        params: Widths of the layers.
        absent: Feature of an undetected concept: ``learned``, ``ones``, or ``masked``, which
            silences it.
        seed: Seed of the initial weights; the global generator is left alone.
    """

    edge_mask: Tensor
    edge_added: Tensor
    feature_mean: Tensor
    feature_std: Tensor
    edge_source: Tensor
    edge_target: Tensor

    def __init__(
        self,
        class_graphs: Sequence[ClassGraph],
        feature_dim: int,
        params: ReasonerParams,
        *,
        absent: Absent = "learned",
        seed: int = 0,
    ) -> None:
        super().__init__()
        n, k = len(class_graphs), class_graphs[0].n_concepts
        pairs = edge_pairs(k)
        self.n_classes, self.n_concepts, self.n_edges = n, k, len(pairs)
        self.feature_dim, self.params, self.absent = feature_dim, params, absent
        states = [graph.edge_state for graph in class_graphs]
        kept = torch.tensor([[state != "removed" for state in row] for row in states])
        added = torch.tensor([[state == "added" for state in row] for row in states])
        self.register_buffer("edge_mask", kept.float())  # M_e (n, E)
        self.register_buffer("edge_added", added)  # (n, E)
        self.register_buffer("feature_mean", torch.zeros(feature_dim))
        self.register_buffer("feature_std", torch.ones(feature_dim))
        self.register_buffer("edge_source", torch.tensor([s for s, _ in pairs]), persistent=False)
        self.register_buffer("edge_target", torch.tensor([t for _, t in pairs]), persistent=False)

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            # e ~ N(0, 1) as in VRX's code; an added edge starts at +1.
            self.dependency = nn.Parameter(torch.where(added, 1.0, torch.randn(n, len(pairs))))
            self.absent_features = nn.Parameter(0.1 * torch.randn(n, k, feature_dim))
            node_dims = (feature_dim, *params.node_dims)
            edge_dims = (_POSITION_WIDTH, *params.edge_dims)
            self.layers = nn.ModuleList(
                ConceptLayer(
                    in_nodes=node_dims[depth],
                    out_nodes=node_dims[depth + 1],
                    in_edges=edge_dims[depth],
                    out_edges=edge_dims[depth + 1],
                    n_concepts=k,
                )
                for depth in range(len(params.node_dims))
            )
            width = n * (k * params.node_dims[-1] + len(pairs) * params.edge_dims[-1])
            self.hidden = nn.Linear(width, params.hidden) if params.hidden else None
            self.embedding = nn.Linear(params.hidden or width, n)
        self.absent_features.requires_grad_(absent == "learned")

    def forward(self, nodes: Tensor, present: Tensor, positions: Tensor) -> ReasonerOutput:
        """Reason about images.

        Args:
            nodes: Segment features (B, n, K, D).
            present: True where the concept was detected (B, n, K).
            positions: Segment centroids (x, y) in [0, 1], (B, n, K, 2).

        Returns:
            Logits (B, n) and graph vectors (B, n, V).
        """
        inputs = self.edge_inputs(present, positions)
        dependency = self.effective_dependency()
        first, *others = (layer for layer in self.layers if isinstance(layer, ConceptLayer))
        projected = self._project(first, nodes, present)
        graphs = first.pass_messages(projected, inputs.features, dependency, inputs.edge_mask)
        for layer in others:
            graphs = layer(graphs, dependency, inputs.edge_mask)
        return self.read_out(graphs, inputs)

    def reason(self, graphs: ImageGraphs) -> ReasonerOutput:
        """Apply ``forward`` to image graphs."""
        output: ReasonerOutput = self(graphs.nodes, graphs.present, graphs.positions)
        return output

    def effective_dependency(self) -> Tensor:
        """Return e (n, E) with added edges floored at a small positive value."""
        return torch.where(
            self.edge_added, self.dependency.clamp(min=_ADDED_FLOOR), self.dependency
        )

    @torch.no_grad()
    def project_dependency(self) -> None:
        """Move added edges below the floor back onto it, where their gradient lives on."""
        self.dependency.copy_(self.effective_dependency())

    @torch.no_grad()
    def standardise_from(self, graphs: ImageGraphs) -> None:
        """Take mean and deviation of node features from the detected nodes of ``graphs``."""
        nodes = graphs.nodes[graphs.present]
        if len(nodes) < 2:  # nothing detected anywhere: leave the identity
            return
        std, mean = torch.std_mean(nodes, dim=0)
        self.feature_mean.copy_(mean)
        # A feature that never varies carries nothing; the floor keeps it from being blown up on
        # new images.
        self.feature_std.copy_(std.clamp(min=max(1e-6, 0.05 * float(std.mean()))))

    def standardise(self, nodes: Tensor, present: Tensor) -> Tensor:
        """Standardise node features and fill in absent concepts: h (B, n, K, D)."""
        standardised = (nodes - self.feature_mean) / self.feature_std
        return torch.where(present[..., None], standardised, self._absent_nodes())

    def edge_inputs(self, present: Tensor, positions: Tensor) -> EdgeInputs:
        """Build edge features and masks.

        The edge j -> i has ``a_ij = [x_i, y_i, x_j, y_j]``, zeros when either end is absent.
        """
        # index_select, not [], so that torch.export keeps the batch dimension symbolic.
        target = positions.index_select(2, self.edge_target)
        source = positions.index_select(2, self.edge_source)
        both = present.index_select(2, self.edge_target) & present.index_select(2, self.edge_source)
        a = torch.where(both[..., None], torch.cat([target, source], dim=-1), 0.0)  # (B, n, E, 4)
        if self.absent == "masked":
            return EdgeInputs(a, self.edge_mask * both, present.to(a.dtype))
        return EdgeInputs(a, self.edge_mask, None)

    def read_out(self, graphs: NodesAndEdges, inputs: EdgeInputs) -> ReasonerOutput:
        """Concatenate node and edge values, zero where masked, and embed them into logits."""
        nodes = graphs.nodes
        if inputs.node_mask is not None:
            nodes = nodes * inputs.node_mask[..., None]
        edges = graphs.edges * inputs.edge_mask[..., None]
        vectors = torch.cat([nodes.flatten(2), edges.flatten(2)], dim=2)  # (B, n, V)
        return ReasonerOutput(self.embed(vectors), vectors)

    def embed(self, graph_vectors: Tensor) -> Tensor:
        """Apply E to graph vectors (B, n, V): logits (B, n)."""
        values = graph_vectors.flatten(1)
        if self.hidden is not None:
            values = functional.relu(self.hidden(values))
        logits: Tensor = self.embedding(values)
        return logits

    def _absent_nodes(self) -> Tensor:
        """Return the standardised feature of absent concepts, (n, K, D) or (D,)."""
        if self.absent == "learned":
            return self.absent_features
        if self.absent == "ones":  # VRX's ones are raw features
            return (1.0 - self.feature_mean) / self.feature_std
        return torch.zeros_like(self.feature_mean)

    def _project(self, layer: ConceptLayer, nodes: Tensor, present: Tensor) -> ProjectedNodes:
        """Give what ``layer`` projects ``standardise(nodes, present)`` to, without building it.

        D is the only wide dimension, so its passes are the cost of a step: the standardisation is
        folded into the weights, and absent features are projected once instead of once per image.
        """
        weight = torch.cat([layer.w1.weight, layer.w2.weight])  # (2F, D)
        bias = torch.cat([layer.w1.bias, layer.w2.bias])
        scaled = weight / self.feature_std
        there = functional.linear(nodes, scaled, bias - scaled @ self.feature_mean)
        absent = functional.linear(self._absent_nodes(), weight, bias)
        # lerp by 0 or 1: where() with a broadcast condition is not vectorised.
        detected = present[..., None].to(there.dtype)
        kept, messages = torch.lerp(absent.expand_as(there), there, detected).chunk(2, dim=-1)
        return ProjectedNodes(kept, messages)

    def config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs besides the state dict, as JSON values."""
        return {
            "n_classes": self.n_classes,
            "n_concepts": self.n_concepts,
            "feature_dim": self.feature_dim,
            "absent": self.absent,
            "params": self.params.model_dump(mode="json"),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Rebuild a reasoner; load its state dict next, which also holds the edge states."""
        k = int(config["n_concepts"])
        blank = [
            ClassGraph(
                class_id=i,
                class_name=str(i),
                concepts=tuple(str(slot) for slot in range(k)),
                edge_state=("auto",) * (k * (k - 1)),
            )
            for i in range(int(config["n_classes"]))
        ]
        params = ReasonerParams.model_validate(config["params"])
        return cls(blank, int(config["feature_dim"]), params, absent=config["absent"])
