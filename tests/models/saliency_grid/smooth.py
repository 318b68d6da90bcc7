"""A small network without kinks, whose second derivatives can be checked, and its inputs."""

import torch
from torch import nn


def rand(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class Smooth(nn.Module):
    """A network without kinks, so that finite differences are exact enough."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.last = nn.Linear(4, 3)

    def forward(self, x):
        return self.last(torch.tanh(self.norm(self.conv(x))).mean(dim=(2, 3)))
