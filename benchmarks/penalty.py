"""Cost of a training step that penalises input gradients, every ratio measured in one run.

    python -m benchmarks.penalty [--repeats 7]

Writes ``benchmarks/results/penalty.json``. About two minutes on one core. A step with the penalty
(forward, cross-entropy, the penalty's own forward and double backward, optimiser) is compared with
a plain step on the same batch: all of its images marked and penalised, all marked and as many
penalised as by default, few marked. With frozen layers a plain step starts from their kept outputs,
as training does. Target: at most 2.5 plain steps in the median at the defaults, however many are
marked.
"""

import argparse
import logging
import time
from collections.abc import Callable
from typing import Any, NamedTuple

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


class SetUp(NamedTuple):
    """What is trained."""

    arch: str
    width: float
    side: int
    """Of the images, pixels."""
    batch: int
    frozen_until: str | None = None

    def __str__(self) -> str:
        frozen = f", frozen up to {self.frozen_until}" if self.frozen_until else ""
        return f"{self.arch} at {self.side} pixels, batch of {self.batch}{frozen}"


class Batch(NamedTuple):
    """What a step sees: images, what frozen layers made of them, and classes."""

    images: Tensor
    kept: Tensor
    labels: Tensor


SET_UPS = (
    SetUp("resnet18", 0.35, 128, 32),
    SetUp("resnet18", 0.25, 96, 16),
    SetUp("squeezenet1_1", 1.0, 160, 32),
    SetUp("squeezenet1_1", 1.0, 160, 32, "features.7"),
)
"""The demo's, the decoy world's, and those of the photographs."""


def main() -> None:
    """Measure, log the ratios and write the result."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    result: dict[str, Any] = {"settings": {**vars(options), "few": FEW, "target": TARGET}}
    rows = []
    for set_up in SET_UPS:
        measured = result[str(set_up)] = measure(set_up, options.repeats, options.seed)
        ratios = {name: measured[name]["median"] for name in ("every", "bounded", "few")}
        every, bounded, few = (f"{ratio:.2f}" for ratio in ratios.values())
        penalised = f"{bounded} ({measured['penalised']})"
        rows.append([str(set_up), every, penalised, few, f"≤ {TARGET}"])
        logger.info("%s: %s", set_up, "  ".join(f"{k} {v:.2f}" for k, v in ratios.items()))
    result["table"] = {
        "header": [
            "training step over a plain one",
            "all marked and penalised",
            "all marked, as many penalised as by default",
            f"{FEW} marked",
            "target",
        ],
        "rows": rows,
    }
    logger.info("-> %s", write_result("penalty", result))


def measure(set_up: SetUp, repeats: int, seed: int) -> dict[str, Any]:
    """Time the kinds of step side by side in each repeat, so that a busy machine slows all alike.

    Args:
        set_up: What is trained.
        repeats: Steps of each kind that count.
        seed: Of images, weights and marks.
    """
    arch, width, side, n_images, frozen_until = set_up
    classifier = ClassifierParams(arch=arch, width=width, frozen_until=frozen_until)  # type: ignore[arg-type]
    model = build_classifier(classifier, N_CLASSES, seed=seed).train()
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    learning = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(learning, 1e-4)
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(n_images, 3, side, side, generator=generator)
    images = images.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        kept = model.prefix(images).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, N_CLASSES, (n_images,), generator=generator)
    cells = (torch.rand(n_images, CELLS, CELLS, generator=generator) < 0.2).float()
    cells[:, 0, 0] = 1  # no image is without a mark
    every = paint_cells(cells, (side, side))
    few = every.clone()
    few[FEW:] = 0
    bounded, unbounded = PenaltyParams(), PenaltyParams(max_per_batch=n_images)
    batch = Batch(images, kept, labels)
    steps: dict[str, Callable[[], None]] = {
        "plain": lambda: step(model, optimizer, batch, None, bounded),
        "every": lambda: step(model, optimizer, batch, every, unbounded),
        "bounded": lambda: step(model, optimizer, batch, every, bounded),
        "few": lambda: step(model, optimizer, batch, few, bounded),
    }
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for repeat in range(repeats + 1):
        for name, run in steps.items():
            started = time.perf_counter()
            run()
            if repeat:  # the first warms up
                seconds[name].append(time.perf_counter() - started)
    return {
        "penalised": bounded.most_of(n_images, is_partly_frozen=frozen_until is not None),
        "seconds": {name: spread(values) for name, values in seconds.items()},
        **{name: _ratio(seconds[name], seconds["plain"]) for name in ("every", "bounded", "few")},
    }


def step(
    model: Classifier,
    optimizer: torch.optim.Optimizer,
    batch: Batch,
    weights: Tensor | None,
    params: PenaltyParams,
) -> None:
    """Take one step on the cross-entropy, and on the penalty when there are weights."""
    loss = functional.cross_entropy(model.suffix(batch.kept), batch.labels)
    if weights is not None:
        penalties, _ = reviewed_penalties(model, batch.images, weights, params)
        loss = loss + penalty_term(penalties, 1.0)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimizer.step()


def _ratio(above: list[float], below: list[float]) -> dict[str, Any]:
    return spread([a / b for a, b in zip(above, below, strict=True)])


if __name__ == "__main__":
    main()
