"""SqueezeNet 1.1 (Iandola et al. 2016, arXiv:1602.07360; the official repository's 1.1).

Parameter names and shapes at width 1 are torchvision's. Plain convolutions and ReLU, no
normalisation.
"""

from typing import Final

import torch
from torch import Tensor, nn

from models.classifier import Classifier, Stage, scaled_channels
from models.dropout import Dropout

_FIRES: Final = {
    3: (16, 64),
    4: (16, 64),
    6: (32, 128),
    7: (32, 128),
    9: (48, 192),
    10: (48, 192),
    11: (64, 256),
    12: (64, 256),
}
"""Position among the features -> channels of the squeeze and of each expand convolution."""
_POOLS: Final = (2, 5, 8)


class Fire(nn.Module):
    """A 1x1 squeeze, then 1x1 and 3x3 expansions side by side (Iandola et al., section 3.2)."""

    def __init__(self, channels_in: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels_in, squeeze, 1)
        self.squeeze_relu = nn.ReLU()
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand1x1_relu = nn.ReLU()
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)
        self.expand3x3_relu = nn.ReLU()

    def forward(self, values: Tensor) -> Tensor:
        """Return post-ReLU features with twice ``expand`` channels."""
        squeezed = self.squeeze_relu(self.squeeze(values))
        small = self.expand1x1_relu(self.expand1x1(squeezed))
        large = self.expand3x3_relu(self.expand3x3(squeezed))
        return torch.cat([small, large], dim=1)


class SqueezeNet(Classifier):
    """SqueezeNet 1.1; the concept layer is ``features.12`` (512 x 13 x 13 at 224 pixels)."""

    auto_concept_layer = "features.12"
    classifier_name = "classifier.1"
    rectified = (nn.ReLU, Fire)

    def build(self, n_classes: int) -> None:
        """Create the layers under torchvision's names."""
        channels = scaled_channels(64, self.width)
        layers: list[nn.Module] = [nn.Conv2d(3, channels, 3, 2), nn.ReLU()]
        for position in range(2, 13):
            if position in _POOLS:
                layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
                continue
            squeeze, expand = (scaled_channels(c, self.width) for c in _FIRES[position])
            layers.append(Fire(channels, squeeze, expand))
            channels = 2 * expand
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            Dropout(self.dropout),
            nn.Conv2d(channels, n_classes, 1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
        )
        self.flatten = nn.Flatten()

    def stages(self) -> list[Stage]:
        """Return the named stages in the order of computation."""
        return [
            *((f"features.{i}", layer) for i, layer in enumerate(self.features)),
            *((f"classifier.{i}", layer) for i, layer in enumerate(self.classifier)),
            ("flatten", self.flatten),
        ]
