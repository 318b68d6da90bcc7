"""Dropout that draws from a generator of its own: networks may train at the same time."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Zero each value with probability p while training, and scale the others by 1 / (1 - p).

    The same bits as ``torch.nn.Dropout`` from a generator in the same state. That one draws from
    the generator of the whole process, which fits on other threads draw from too.

    Args:
        p: Share of values to drop, in [0, 1).
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.generator: torch.Generator | None = None

    def forward(self, values: Tensor) -> Tensor:
        """Return values of the same shape, some of them zero; all of them in evaluation mode."""
        if not self.training or self.p == 0:
            return values
        # Drawn where the generator is, so that every device drops the same.
        place = values.device if self.generator is None else self.generator.device
        kept = torch.empty_like(values, device=place)
        kept.bernoulli_(1 - self.p, generator=self.generator)
        return values * kept.div_(1 - self.p).to(values.device)

    def extra_repr(self) -> str:
        """Return what is printed between the brackets."""
        return f"p={self.p}"


@contextmanager
def dropout_drawn_from(model: nn.Module, generator: torch.Generator) -> Iterator[None]:
    """Let every ``Dropout`` within a network draw from one generator.

    Args:
        model: The network, on any device.
        generator: Source of what is dropped; let go of at the end, for it cannot be copied.
    """
    layers = [module for module in model.modules() if isinstance(module, Dropout)]
    for layer in layers:
        layer.generator = generator
    try:
        yield
    finally:
        for layer in layers:
            layer.generator = None
