"""Optimiser, learning-rate schedule and seeds of one fit.

The schedule is a function of the step and the seeds are functions of (seed, epoch), so that a fit
resumes exactly without storing a scheduler or the state of a random generator.
"""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

_WARM_UP_SHARE: Final = 0.05
_FLOOR: Final = 0.01

OptimizerValues = dict[str, Tensor | float]
"""Flat state of an optimiser: ``<entry>.<parameter name>`` -> tensor, or number for step counts."""


def build_optimizer(
    model: nn.Module, *, kind: str, lr: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Build AdamW, or SGD with Nesterov momentum 0.9, over the parameters that need gradients.

    Biases and normalisation (every parameter with fewer than two dimensions) are not decayed.

    Args:
        model: Network to train.
        kind: ``adamw`` or ``sgd``.
        lr: Peak learning rate.
        weight_decay: Decay of the remaining parameters.
    """
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if kind == "adamw":
        return torch.optim.AdamW(groups, lr=lr)
    return torch.optim.SGD(groups, lr=lr, momentum=0.9, nesterov=True)


def learning_rate(step: int, n_steps: int, peak: float) -> float:
    """Warm up linearly over the first 5 % of the steps, then follow a cosine to 1 % of the peak.

    Args:
        step: Position, 0 to ``n_steps - 1``.
        n_steps: Steps of the whole fit.
        peak: Highest learning rate.

    Returns:
        Learning rate of that step.
    """
    warm_up = math.ceil(_WARM_UP_SHARE * n_steps)
    if step < warm_up:
        return peak * (step + 1) / warm_up
    progress = (step - warm_up) / max(1, n_steps - 1 - warm_up)
    return peak * (_FLOOR + (1 - _FLOOR) * (1 + math.cos(math.pi * progress)) / 2)


def derived_seed(*parts: int) -> int:
    """Mix numbers such as (seed, epoch) into one seed; neighbours give unrelated streams."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1)


def optimizer_values(optimizer: torch.optim.Optimizer, model: nn.Module) -> OptimizerValues:
    """Copy an optimiser's state into flat, named CPU tensors and numbers."""
    values: OptimizerValues = {}
    for name, parameter in model.named_parameters():
        for entry, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor) and value.ndim == 0:
                values[f"{entry}.{name}"] = float(value)
            elif isinstance(value, Tensor):
                values[f"{entry}.{name}"] = (
                    value.detach().cpu().clone(memory_format=torch.contiguous_format)
                )
    return values


def restore_optimizer(
    optimizer: torch.optim.Optimizer, model: nn.Module, values: Mapping[str, Tensor | float]
) -> None:
    """Put the state that ``optimizer_values`` copied back into a fresh optimiser of the same kind.

    Raises:
        ValueError: If the state belongs to other parameters.
    """
    parameters = dict(model.named_parameters())
    for key, value in values.items():
        entry, _, name = key.partition(".")
        if name not in parameters:
            raise ValueError(f"expected optimiser state of this network (got an entry for {name})")
        parameter = parameters[name]
        if isinstance(value, Tensor):
            # Same strides as the parameter, else the fused update falls back to a slow path.
            kept = torch.empty_like(parameter, requires_grad=False).copy_(value)
        else:
            kept = torch.tensor(float(value), dtype=torch.float32)
        optimizer.state[parameter][entry] = kept
