"""VGG-16 (Simonyan and Zisserman 2015, arXiv:1409.1556), configuration D, no batch norm.

Parameter names and shapes at width 1 are torchvision's.
"""

from typing import Final

from torch import nn

from models.classifier import Classifier, Stage, scaled_channels
from models.dropout import Dropout

_PLAN: Final = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
"""Channels of each 3x3 convolution; 0 stands for max pooling."""


class VGG16(Classifier):
    """VGG-16; the concept layer is the last ReLU, ``features.29`` (512 x 14 x 14 at 224 pixels)."""

    auto_concept_layer = "features.29"
    classifier_name = "classifier.6"

    def build(self, n_classes: int) -> None:
        """Create the layers under torchvision's names."""
        layers: list[nn.Module] = []
        channels = 3
        for wanted in _PLAN:
            if wanted == 0:
                layers.append(nn.MaxPool2d(2))
                continue
            width = scaled_channels(wanted, self.width)
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        hidden = scaled_channels(4096, self.width)
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.flatten = nn.Flatten()
        self.classifier = nn.Sequential(
            nn.Linear(channels * 7 * 7, hidden),
            nn.ReLU(),
            Dropout(self.dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            Dropout(self.dropout),
            nn.Linear(hidden, n_classes),
        )

    def stages(self) -> list[Stage]:
        """Return the named stages in the order of computation."""
        return [
            *((f"features.{i}", layer) for i, layer in enumerate(self.features)),
            ("avgpool", self.avgpool),
            ("flatten", self.flatten),
            *((f"classifier.{i}", layer) for i, layer in enumerate(self.classifier)),
        ]
