"""Cost of a reasoner's step beside a torch-geometric GINE stack, and of matching beside embedding.

``python -m benchmarks.reasoner`` writes ``results/reasoner.json``; about a minute on one core. Only
ratios within one run are meant to be compared. On a machine with a GPU the same runs there.
"""

import argparse
import time
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from benchmarks.report import spread, write_result
from models.classifier import build_classifier
from models.concept_graph.bank import ConceptBank
from models.concept_graph.embedding import embed_segments
from models.concept_graph.graph import ClassGraph, edge_index
from models.concept_graph.matching import match_images
from models.concept_graph.operator import reason_with_operator
from models.concept_graph.params import ClusterParams, ReasonerParams, SegmentParams
from models.concept_graph.reasoner import GraphReasoner
from models.concept_graph.segments import segment_images
from models.params import ClassifierParams

N_IMAGES, N_CLASSES, N_CONCEPTS = 640, 3, 4  # 1,920 graphs of four nodes
WIDTHS = (16, 512)
PARAMS = ReasonerParams()

MATCHED_IMAGES, MATCHED_CLASSES, IMAGE_SIZE = 64, 12, 160
THRESHOLD_QUANTILE = 0.5


class GineStack(nn.Module):
    """Three GINE layers of the reasoner's node widths and a linear readout, on the same graphs."""

    def __init__(self, feature_dim: int) -> None:
        super().__init__()
        from torch_geometric.nn import GINEConv

        dims = (feature_dim, *PARAMS.node_dims)
        self.convs = nn.ModuleList(
            GINEConv(
                nn.Sequential(nn.Linear(before, after), nn.ReLU(), nn.Linear(after, after)),
                edge_dim=4,
            )
            for before, after in pairwise(dims)
        )
        self.readout = nn.Linear(N_CLASSES * N_CONCEPTS * dims[-1], N_CLASSES)

    def forward(self, nodes: Tensor, index: Tensor, edges: Tensor) -> Tensor:
        """Return logits (B, n)."""
        for conv in self.convs:
            nodes = conv(nodes, index, edges).relu()
        logits: Tensor = self.readout(nodes.reshape(N_IMAGES, -1))
        return logits


def main() -> None:
    """Measure and write ``results/reasoner.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    result = {
        "device": device.type,
        "step_1920_graphs": {
            f"F{width}": measure_steps(width, arguments.repeats, device) for width in WIDTHS
        },
        "matching": measure_matching(arguments.repeats, device),
    }
    write_result("reasoner" if device.type == "cpu" else "reasoner_gpu", result)


def measure_steps(feature_dim: int, repeats: int, device: torch.device) -> dict[str, object]:
    """Time forward and backward of the dense form, the operator and the GINE stack.

    Args:
        feature_dim: F, width of the node features.
        repeats: Rounds; each times all three, so that a busy moment meets all of them.
        device: Where.

    Returns:
        Milliseconds of each, and ratios to GINE round by round.
    """
    generator = torch.Generator().manual_seed(0)
    graphs = [
        ClassGraph(i, f"c{i}", tuple(f"k{k}" for k in range(N_CONCEPTS)), ("auto",) * 12)
        for i in range(N_CLASSES)
    ]
    shape = (N_IMAGES, N_CLASSES, N_CONCEPTS)
    nodes = torch.randn(*shape, feature_dim, generator=generator).to(device)
    present = (torch.rand(shape, generator=generator) > 0.2).to(device)
    positions = torch.rand(*shape, 2, generator=generator).to(device)
    reasoner = GraphReasoner(graphs, feature_dim, PARAMS).to(device)
    torch.manual_seed(0)
    gine = GineStack(feature_dim).to(device)
    index = edge_index(N_CONCEPTS, N_IMAGES * N_CLASSES).to(device)
    edges = torch.rand(index.shape[1], 4, generator=generator).to(device)
    flat = nodes.flatten(0, 2)
    forms: dict[str, tuple[nn.Module, Callable[[], Tensor]]] = {
        "dense": (reasoner, lambda: reasoner(nodes, present, positions).logits),
        "operator": (
            reasoner,
            lambda: reason_with_operator(reasoner, nodes, present, positions).logits,
        ),
        "gine": (gine, lambda: gine(flat, index, edges)),
    }

    def step(name: str) -> Callable[[], None]:
        network, forward = forms[name]

        def run() -> None:
            network.zero_grad(set_to_none=True)
            torch.autograd.backward(forward().square().mean())

        return run

    seconds = _alternate({name: step(name) for name in forms}, repeats, device)
    return {
        "milliseconds": {name: spread([1e3 * s for s in seconds[name]]) for name in forms},
        "ratio_dense_to_gine": spread(_ratios(seconds["dense"], seconds["gine"])),
        "ratio_operator_to_gine": spread(_ratios(seconds["operator"], seconds["gine"])),
        "target_ratio": 2.5,
    }


def measure_matching(repeats: int, device: torch.device) -> dict[str, object]:
    """Time matching all images to all classes beside embedding their segments (one forward each).

    Args:
        repeats: Rounds; each times both.
        device: Where.

    Returns:
        Milliseconds per image, and the ratio round by round.
    """
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(MATCHED_IMAGES, 3, 12, 12, generator=generator)
    smooth = nn.functional.interpolate(coarse, size=(IMAGE_SIZE, IMAGE_SIZE), mode="bicubic")
    images = (smooth.clamp(0, 1) * 255).to(torch.uint8)
    segments = segment_images(images, SegmentParams(), 0)
    model = build_classifier(ClassifierParams(width=1), MATCHED_CLASSES).to(device)
    params = ClusterParams()
    embeddings = embed_segments(model, images, segments, params)
    n_concepts = MATCHED_CLASSES * N_CONCEPTS
    centres = embeddings[torch.randperm(len(segments), generator=generator)[:n_concepts]]
    distances = torch.cdist(embeddings, centres)
    bank = _bank(centres, distances.quantile(THRESHOLD_QUANTILE, dim=0))
    graphs = [
        ClassGraph(
            c,
            f"c{c}",
            tuple(bank.concept_ids[c * N_CONCEPTS : (c + 1) * N_CONCEPTS]),
            ("auto",) * 12,
        )
        for c in range(MATCHED_CLASSES)
    ]
    moved = segments.to(device)
    seconds = _alternate(
        {
            "embedding": lambda: embed_segments(model, images, segments, params),
            "matching": lambda: match_images(
                embeddings, moved.image_index, moved.centroid, MATCHED_IMAGES, graphs, bank
            ),
        },
        repeats,
        device,
    )
    per_image = 1e3 / MATCHED_IMAGES
    return {
        "network": f"resnet18 at {IMAGE_SIZE} px",
        "images": MATCHED_IMAGES,
        "class_graphs": MATCHED_CLASSES,
        "segments_per_image": len(segments) / MATCHED_IMAGES,
        "milliseconds_per_image": {
            name: spread([per_image * s for s in values]) for name, values in seconds.items()
        },
        "ratio_matching_to_embedding": spread(_ratios(seconds["matching"], seconds["embedding"])),
        "target_ratio": 0.1,
    }


def _alternate(
    runs: dict[str, Callable[[], object]], repeats: int, device: torch.device
) -> dict[str, list[float]]:
    """Time every run once per round, after one round to warm up: seconds by name."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(repeats + 1):
        for name, run in runs.items():
            _wait(device)
            start = time.perf_counter()
            run()
            _wait(device)
            if turn > 0:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _ratios(numerator: list[float], denominator: list[float]) -> list[float]:
    return [a / b for a, b in zip(numerator, denominator, strict=True)]


def _bank(centres: Tensor, thresholds: Tensor) -> ConceptBank:
    """Wrap centres and thresholds; nothing else of a bank matters to matching."""
    m = len(centres)
    blank, flag = torch.zeros(m), torch.ones(m, dtype=torch.bool)
    count = torch.ones(m, dtype=torch.int64)
    return ConceptBank(
        tuple(f"c{row // N_CONCEPTS}/k{row % N_CONCEPTS}" for row in range(m)),
        count, centres, thresholds, count, count, flag, blank, blank, blank, blank, blank, flag,
        blank, blank, blank, blank, blank, torch.full((m, 1), -1),
    )  # fmt: skip


if __name__ == "__main__":
    main()
