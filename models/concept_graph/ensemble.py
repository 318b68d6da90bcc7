"""Several graph reasoners as one: their logits are averaged, and so is every explanation.

A reasoner that was fitted to some hundred graphs depends on its seed as much as on its data.
Averaging takes that out (Hansen and Salamon 1990; Lakshminarayanan et al. 2017), and since the
embedding network is linear, the mean of the members' contributions is still complete. Shape legend:
B images · n class graphs · K concepts · D features.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from models.concept_graph.graph import ImageGraphs
from models.concept_graph.reasoner import GraphReasoner

_BATCH = 512
"""Images per forward pass when nothing is learned."""


class ReasonerEnsemble(nn.Module):
    """Average the logits of reasoners that differ in their seed alone.

    Implements ``v1 = 1/M sum_m v1_m``, so that the softmax is the normalised geometric mean of the
    members'.

    Deviates from the paper: it has one reasoner (docs/decisions/0014).

    Args:
        members: M reasoners over the same class graphs.

    Raises:
        ValueError: If there are none, or their graphs differ in number or size.
    """

    def __init__(self, members: Sequence[GraphReasoner]) -> None:
        super().__init__()
        shapes = {(one.n_classes, one.n_concepts, one.feature_dim) for one in members}
        if len(shapes) != 1:
            raise ValueError(
                f"expected reasoners over graphs of one shape (got {sorted(shapes)}); fit them to "
                "the same class graphs"
            )
        self.members = nn.ModuleList(members)

    @property
    def reasoners(self) -> tuple[GraphReasoner, ...]:
        """The members."""
        return tuple(one for one in self.members if isinstance(one, GraphReasoner))

    @property
    def n_classes(self) -> int:
        """Number of class graphs and of logits, n."""
        return self.reasoners[0].n_classes

    @property
    def device(self) -> torch.device:
        """Where the members are."""
        return self.reasoners[0].dependency.device

    def forward(self, nodes: Tensor, present: Tensor, positions: Tensor) -> Tensor:
        """Reason about images.

        Args:
            nodes: Segment features (B, n, K, D).
            present: True where the concept was detected (B, n, K).
            positions: Segment centroids (x, y) in [0, 1], (B, n, K, 2).

        Returns:
            Logits (B, n).
        """
        logits = [one(nodes, present, positions).logits for one in self.members]
        return torch.stack(logits).mean(dim=0)

    @torch.no_grad()
    def logits(self, graphs: ImageGraphs) -> Tensor:
        """Compute logits (B, n) in evaluation mode, in batches, on the members' device.

        Args:
            graphs: Graphs of B images, on any device.

        Returns:
            Logits (B, n); the mode of the ensemble is as it was.
        """
        was_training = self.training
        self.eval()
        parts = []
        for rows in torch.split(torch.arange(len(graphs)), _BATCH):
            batch = graphs.select(rows).to(self.device)
            parts.append(self(batch.nodes, batch.present, batch.positions))
        self.train(was_training)
        return torch.cat(parts) if parts else torch.zeros(0, self.n_classes, device=self.device)

    def config(self) -> dict[str, Any]:
        """Return what ``from_config`` needs besides the state dict, as JSON values."""
        return self.reasoners[0].config() | {"n_members": len(self.members)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Rebuild an ensemble; load its state dict next."""
        return cls([GraphReasoner.from_config(config) for _ in range(int(config["n_members"]))])
