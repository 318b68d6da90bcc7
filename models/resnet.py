"""ResNet-18 (He et al. 2016, arXiv:1512.03385).

Parameter names and shapes at width 1 are torchvision's. Every activation is its own module, because
DeepLIFT and other attribution methods are silently wrong on reused ones.
"""

from typing import cast

from torch import Tensor, nn

from models.classifier import Classifier, Stage, scaled_channels


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut: ``relu(F(x) + x)``, He et al. Eq. (1) and (2)."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu2 = nn.ReLU()
        self.downsample: nn.Sequential | None = None
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, values: Tensor) -> Tensor:
        """Return post-ReLU features; height and width are divided by the stride."""
        shortcut = values if self.downsample is None else self.downsample(values)
        residual = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(values)))))
        return cast(Tensor, self.relu2(residual + shortcut))


class ResNet18(Classifier):
    """ResNet-18; the concept layer is the last one whose cells are 16 pixels apart.

    That is ``layer3``, or ``layer4`` with ``output_stride`` 16. At the published stride the cells
    of ``layer4`` are 32 pixels apart, too few for small parts of small images.
    """

    auto_concept_layer = "layer3"
    classifier_name = "fc"
    rectified = (nn.ReLU, BasicBlock)

    def build(self, n_classes: int) -> None:
        """Create the layers under torchvision's names."""
        if self.output_stride == 16:
            self.auto_concept_layer = "layer4"
        widths = [scaled_channels(channels, self.width) for channels in (64, 128, 256, 512)]
        self.conv1 = nn.Conv2d(3, widths[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = widths[0]
        for number, width in enumerate(widths, start=1):
            kept = number > 1 and (number < 4 or self.output_stride == 32)
            stride = 2 if kept else 1
            blocks = nn.Sequential(BasicBlock(channels, width, stride), BasicBlock(width, width, 1))
            self.add_module(f"layer{number}", blocks)
            channels = width
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(channels, n_classes)

    def stages(self) -> list[Stage]:
        """Return the named stages in the order of computation."""
        stages: list[Stage] = [
            (name, self.get_submodule(name)) for name in ("conv1", "bn1", "relu", "maxpool")
        ]
        for number in range(1, 5):
            blocks = self.get_submodule(f"layer{number}")
            stages += [(f"layer{number}.{name}", block) for name, block in blocks.named_children()]
        return [*stages, ("avgpool", self.avgpool), ("flatten", self.flatten), ("fc", self.fc)]
