"""MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381).

Parameter names and shapes at width 1 are torchvision's, including its rounding of channels to
multiples of 8.
"""

from typing import Final

from torch import Tensor, nn

from models.classifier import Classifier, Stage, scaled_channels
from models.dropout import Dropout

_BLOCKS: Final = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion t, channels c, repetitions n, stride s of the first (Sandler et al., table 2)."""


class ConvNormRelu(nn.Sequential):
    """Convolution, batch normalisation, ReLU6."""

    def __init__(
        self, channels_in: int, channels: int, *, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(
            nn.Conv2d(
                channels_in, channels, kernel, stride, kernel // 2, groups=groups, bias=False
            ),
            nn.BatchNorm2d(channels),
            nn.ReLU6(),
        )


class InvertedResidual(nn.Module):
    """Expansion, depthwise convolution and a linear bottleneck (Sandler et al., section 3.3)."""

    def __init__(self, channels_in: int, channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = channels_in * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers.append(ConvNormRelu(channels_in, hidden, kernel=1))
        layers += [
            ConvNormRelu(hidden, hidden, kernel=3, stride=stride, groups=hidden),
            nn.Conv2d(hidden, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        ]
        self.conv = nn.Sequential(*layers)
        self.is_residual = stride == 1 and channels_in == channels

    def forward(self, values: Tensor) -> Tensor:
        """Return linear (not rectified) features."""
        projected: Tensor = self.conv(values)
        return values + projected if self.is_residual else projected


class MobileNetV2(Classifier):
    """MobileNetV2; the concept layer is ``features.14.conv.0`` (576 channels, cells of 16 pixels).

    Block outputs are linear bottlenecks with negative values; the expansion inside block 14 is the
    last layer before the final halving of resolution that ends in a ReLU. ``features.18`` (1280
    channels, 32 pixels) can be chosen.
    """

    auto_concept_layer = "features.14.conv.0"
    classifier_name = "classifier.1"
    rectified = (ConvNormRelu,)

    def build(self, n_classes: int) -> None:
        """Create the layers under torchvision's names."""
        channels = scaled_channels(32, self.width)
        layers: list[nn.Module] = [ConvNormRelu(3, channels, kernel=3, stride=2)]
        for expansion, wanted, repetitions, first_stride in _BLOCKS:
            width = scaled_channels(wanted, self.width)
            for i in range(repetitions):
                stride = first_stride if i == 0 else 1
                layers.append(InvertedResidual(channels, width, stride, expansion))
                channels = width
        last = scaled_channels(1280, max(1.0, self.width))
        layers.append(ConvNormRelu(channels, last, kernel=1))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Sequential(Dropout(self.dropout), nn.Linear(last, n_classes))

    def stages(self) -> list[Stage]:
        """Return the named stages; blocks without a shortcut are open to their inner layers."""
        stages: list[Stage] = []
        for i, layer in enumerate(self.features):
            if isinstance(layer, InvertedResidual) and not layer.is_residual:
                stages += [(f"features.{i}.conv.{j}", inner) for j, inner in enumerate(layer.conv)]
            else:
                stages.append((f"features.{i}", layer))
        classifier = ((f"classifier.{i}", layer) for i, layer in enumerate(self.classifier))
        return [*stages, ("avgpool", self.avgpool), ("flatten", self.flatten), *classifier]
