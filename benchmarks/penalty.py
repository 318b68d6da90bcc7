"""Cost of a training step that penalises input gradients, every ratio measured in one run.

    python -m benchmarks.penalty [--images 32] [--repeats 7]

Writes ``benchmarks/results/penalty.json``. About two minutes on one core. A step with the penalty
(forward, cross-entropy, the penalty's own forward and double backward, optimiser) is compared with
a plain step on the same batch: all of its images marked and penalised, all marked and as many
penalised as by default, few marked. Target: at most 2.5 plain steps whatever is marked.
"""

import argparse
import logging
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.report import spread, write_result
from models.classifier import Classifier, build_classifier
from models.params import ClassifierParams
from models.saliency_grid.grid import paint_cells
from models.saliency_grid.params import PenaltyParams
from models.saliency_grid.penalty import reviewed_penalties
from models.saliency_grid.strength import penalty_term

logger = logging.getLogger(__name__)

N_CLASSES = 12
CELLS = 7
FEW = 4
"""Marked images of a batch in which most are not."""
TARGET = 2.5
NETWORKS = (("resnet18", 0.35, 128), ("squeezenet1_1", 1.0, 160))
"""Architecture, width and side of the images: the demo's, and that of the photographs."""


def main() -> None:
    """Measure, log the ratios and write the result."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    result: dict[str, Any] = {"settings": {**vars(options), "few": FEW, "target": TARGET}}
    rows = []
    for arch, width, side in NETWORKS:
        measured = measure(arch, width, side, options.images, options.repeats, options.seed)
        result[arch] = measured
        ratios = {name: measured[name]["median"] for name in ("every", "bounded", "few")}
        rows.append(
            [
                f"{arch} at {side} pixels",
                *(f"{ratio:.2f}" for ratio in ratios.values()),
                f"≤ {TARGET}",
            ]
        )
        logger.info("%s %s", arch, "  ".join(f"{k} {v:.2f}" for k, v in ratios.items()))
    result["table"] = {
        "header": [
            "training step over a plain one",
            "all marked and penalised",
            f"all marked, {PenaltyParams().max_per_batch} penalised",
            f"{FEW} marked",
            "target",
        ],
        "rows": rows,
    }
    logger.info("-> %s", write_result("penalty", result))


def measure(
    arch: str, width: float, side: int, n_images: int, repeats: int, seed: int
) -> dict[str, Any]:
    """Time the kinds of step side by side in each repeat, so that a busy machine slows all alike.

    Args:
        arch: Architecture.
        width: Multiplier of its channels.
        side: Of the images, pixels.
        n_images: Of the batch.
        repeats: Steps of each kind that count.
        seed: Of images, weights and marks.
    """
    classifier = ClassifierParams(arch=arch, width=width)  # type: ignore[arg-type]
    model = build_classifier(classifier, N_CLASSES, seed=seed).train()
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4)
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(n_images, 3, side, side, generator=generator)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, N_CLASSES, (n_images,), generator=generator)
    cells = (torch.rand(n_images, CELLS, CELLS, generator=generator) < 0.2).float()
    cells[:, 0, 0] = 1  # no image is without a mark
    every = paint_cells(cells, (side, side))
    few = every.clone()
    few[FEW:] = 0
    bounded, unbounded = PenaltyParams(), PenaltyParams(max_per_batch=n_images)
    steps: dict[str, Callable[[], None]] = {
        "plain": lambda: step(model, optimizer, images, labels, None, bounded),
        "every": lambda: step(model, optimizer, images, labels, every, unbounded),
        "bounded": lambda: step(model, optimizer, images, labels, every, bounded),
        "few": lambda: step(model, optimizer, images, labels, few, bounded),
    }
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for repeat in range(repeats + 1):
        for name, run in steps.items():
            started = time.perf_counter()
            run()
            if repeat:  # the first warms up
                seconds[name].append(time.perf_counter() - started)
    return {
        "seconds": {name: spread(values) for name, values in seconds.items()},
        **{name: _ratio(seconds[name], seconds["plain"]) for name in ("every", "bounded", "few")},
    }


def step(
    model: Classifier,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    weights: Tensor | None,
    params: PenaltyParams,
) -> None:
    """Take one step on the cross-entropy, and on the penalty when there are weights."""
    loss = functional.cross_entropy(model(images).logits, labels)
    if weights is not None:
        penalties, _ = reviewed_penalties(model, images, weights, params)
        loss = loss + penalty_term(penalties, 1.0)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimizer.step()


def _ratio(above: list[float], below: list[float]) -> dict[str, Any]:
    return spread([a / b for a, b in zip(above, below, strict=True)])


if __name__ == "__main__":
    main()
