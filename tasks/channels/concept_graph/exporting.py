"""The reasoners of a run as networks that can be registered beside the classifier."""

from typing import TYPE_CHECKING

from tasks.channels.concept_graph.reasoning import build_reasoner
from tasks.evaluation import Companion
from tasks.records import Record
from tasks.stage import StageResult
from tasks.workplace import Workplace

if TYPE_CHECKING:
    from torch import Tensor, nn

    from models.concept_graph.ensemble import ReasonerEnsemble


def reasoner_companion(
    workplace: Workplace,
    fitted: StageResult,
    role: str,
    subject: str = "",
    records: tuple[Record, ...] = (),
) -> Companion:
    """Describe a fitted reasoner for registration.

    Args:
        workplace: Holds its weights.
        fitted: Stage with outputs ``reasoner`` and ``config``.
        role: What it is for.
        subject: What it was fitted to, in a few words.
        records: Its metrics and figures.

    Returns:
        A network from nodes (B, n, K, D), presence (B, n, K) and positions (B, n, K, 2) to logits.
    """
    config = workplace.artifacts.load_json(fitted.outputs["config"])
    shape = config if isinstance(config, dict) else {}
    n, k, d = (int(str(shape[key])) for key in ("n_classes", "n_concepts", "feature_dim"))
    return Companion(
        role=role,
        digest=fitted.outputs["reasoner"].sha256,
        build=lambda: reasoner_logits_only(build_reasoner(workplace.artifacts, fitted)),
        examples={"nodes": (2, n, k, d), "present": (2, n, k), "positions": (2, n, k, 2)},
        outputs={"logits": (2, n)},
        subject=subject,
        records=records,
    )


def reasoner_logits_only(reasoner: "ReasonerEnsemble") -> "nn.Module":
    """Wrap reasoners so that they take floats alone, as exchanged signatures do.

    Args:
        reasoner: Fitted; presence becomes 1 for a detected concept and 0 for another.
    """
    from torch import nn

    class Logits(nn.Module):
        """Reasoners behind presence as a number."""

        def __init__(self, network: nn.Module) -> None:
            super().__init__()
            self.network = network

        def forward(self, nodes: "Tensor", present: "Tensor", positions: "Tensor") -> "Tensor":
            logits: Tensor = self.network(nodes, present > 0.5, positions)
            return logits

    return Logits(reasoner).eval()
