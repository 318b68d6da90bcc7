"""What all classifiers share: a chain of named stages, cut where concepts are read.

B batch · C channels · H,W pixels · N classes · D features · h,w feature cells.
The four architectures (``vgg``, ``resnet``, ``mobilenet``, ``squeezenet``) only list their stages;
parameter names and shapes at width 1 are torchvision's, so that its checkpoints load. Reading
weights is left to ``tasks``.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from feedback.errors import ParamsError
from models.params import ClassifierParams
from models.preprocessing import InputNormalisation, to_float

__all__ = [
    "Classifier",
    "ClassifierOutput",
    "build_classifier",
    "evaluating",
    "is_normalised_by_batch",
    "normalising_by_batch",
    "to_float",
]

_ARCHITECTURES: Final = {
    "vgg16": ("models.vgg", "VGG16"),
    "resnet18": ("models.resnet", "ResNet18"),
    "mobilenet_v2": ("models.mobilenet", "MobileNetV2"),
    "squeezenet1_1": ("models.squeezenet", "SqueezeNet"),
}

Stage = tuple[str, nn.Module]


class ClassifierOutput(NamedTuple):
    """Result of one forward pass.

    Attributes:
        logits: Class scores before the softmax (B, N).
        features: Post-ReLU features at the concept layer (B, D, h, w).
    """

    logits: Tensor
    features: Tensor


class Classifier(nn.Module, ABC):
    """A chain of stages from images to logits, cut into trunk and head at the concept layer.

    A stage is addressed by its module's name; a prefix of names means the last stage under it
    (``layer3`` is ``layer3.1``). Up to ``frozen_until`` parameters need no gradient and
    normalisation keeps its statistics even in training mode.

    Args:
        params: Architecture, width, layers; ``weights`` is not looked at.
        n_classes: N.
    """

    auto_concept_layer: str
    classifier_name: str
    """Name of the last layer, whose shape depends on N."""
    rectified: tuple[type[nn.Module], ...] = (nn.ReLU, nn.ReLU6)
    """Types of the stages whose values are never negative."""

    def __init__(self, params: ClassifierParams, n_classes: int) -> None:
        super().__init__()
        self.arch = params.arch
        self.n_classes = n_classes
        self.width = params.channel_multiplier
        self.dropout = params.dropout
        self.output_stride = params.output_stride
        self.preprocess_asked = params.preprocess
        kind = "imagenet" if params.preprocess == "auto" else params.preprocess
        self.normalise = InputNormalisation(kind)
        self.build(n_classes)
        auto = params.concept_layer == "auto"
        self.concept_layer = self.auto_concept_layer if auto else params.concept_layer
        self._cut = self._stage_index(self.concept_layer, "concept_layer") + 1
        if not isinstance(self.stages()[self._cut - 1][1], self.rectified):
            fitting = [name for name, stage in self.stages() if isinstance(stage, self.rectified)]
            raise ParamsError(
                f"expected a concept_layer that ends in a ReLU (got {self.concept_layer!r}); "
                f"take one of {', '.join(fitting)}"
            )
        self.freeze(params.frozen_until)

    @abstractmethod
    def build(self, n_classes: int) -> None:
        """Create the layers under torchvision's names."""

    @abstractmethod
    def stages(self) -> list[Stage]:
        """Return the named stages in the order of computation, without the normalisation."""

    @property
    def preprocess(self) -> str:
        """Kind of input normalisation that the weights expect."""
        return self.normalise.kind

    @preprocess.setter
    def preprocess(self, kind: str) -> None:
        self.normalise = InputNormalisation(kind).to(self.normalise.mean.device)

    def freeze(self, frozen_until: str | None) -> None:
        """Keep parameters and statistics up to the stage ``frozen_until`` (inclusive) as they are.

        Raises:
            ParamsError: If there is no such stage.
        """
        self.frozen_until = frozen_until
        self.n_frozen = (
            0 if frozen_until is None else self._stage_index(frozen_until, "frozen_until") + 1
        )
        for position, (_, stage) in enumerate(self.stages()):
            stage.requires_grad_(position >= self.n_frozen)
        self.train(self.training)

    def train(self, mode: bool = True) -> "Classifier":
        """Set training mode, except for frozen stages, which stay in evaluation mode."""
        super().train(mode)
        for _, stage in self.stages()[: self.n_frozen]:
            stage.eval()
        return self

    def prefix(self, images: Tensor) -> Tensor:
        """Return the output of the frozen stages (normalised images when nothing is frozen).

        Args:
            images: RGB (B, 3, H, W), float32 in [0, 1].
        """
        return self._through(self.normalise(images), 0, self.n_frozen)

    def suffix(self, prefix: Tensor) -> Tensor:
        """Return logits (B, N) from the output of ``prefix``."""
        return self._through(prefix, self.n_frozen, None)

    def trunk(self, images: Tensor) -> Tensor:
        """Return post-ReLU features (B, D, h, w) at the concept layer.

        Args:
            images: RGB (B, 3, H, W) of any size, float32 in [0, 1]; normalised inside.
        """
        return self._through(self.normalise(images), 0, self._cut)

    def head(self, features: Tensor) -> Tensor:
        """Return logits (B, N) from features (B, D, h, w) at the concept layer; differentiable."""
        return self._through(features, self._cut, None)

    def forward(self, images: Tensor) -> ClassifierOutput:
        """Return logits and features of RGB images (B, 3, H, W), float32 in [0, 1]."""
        features = self.trunk(images)
        return ClassifierOutput(logits=self.head(features), features=features)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw He-normal weights (fan in); the last layer starts near zero and prefers no class."""
        for name, module in self.named_modules():
            if isinstance(module, InputNormalisation | nn.BatchNorm2d):
                module.reset_parameters()
            elif isinstance(module, nn.Conv2d | nn.Linear):
                if name == self.classifier_name:
                    nn.init.normal_(module.weight, std=0.01, generator=generator)
                else:
                    nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def _through(self, values: Tensor, start: int, stop: int | None) -> Tensor:
        for _, stage in self.stages()[start:stop]:
            values = stage(values)
        return values

    def _stage_index(self, name: str, parameter: str) -> int:
        names = [stage for stage, _ in self.stages()]
        under = [
            i for i, stage in enumerate(names) if stage == name or stage.startswith(f"{name}.")
        ]
        if not under:
            raise ParamsError(
                f"expected a layer of {self.arch} as {parameter} (got {name!r}); "
                f"take one of {', '.join(names)}"
            )
        return under[-1]


def build_classifier(params: ClassifierParams, n_classes: int, *, seed: int = 0) -> Classifier:
    """Build a network with random weights.

    Args:
        params: Architecture, width, layers; ``weights`` is not looked at.
        n_classes: N, at least 2.
        seed: Seed of the random weights; the global generator is left alone.

    Returns:
        The network on the CPU, in training mode.

    Raises:
        ParamsError: If a layer name does not exist or cannot carry concepts.
        ValueError: If there are fewer than two classes.
    """
    if n_classes < 2:
        raise ValueError(f"expected at least two classes (got {n_classes})")
    module, name = _ARCHITECTURES[params.arch]
    architecture: type[Classifier] = getattr(import_module(module), name)
    # On the meta device no default weights are drawn: faster, and the global generator stays
    # untouched.
    with torch.device("meta"):
        model = architecture(params, n_classes)
    # Not ``to_empty``, which imports sympy for tensors of the meta device: half a second.
    model._apply(  # type: ignore[no-untyped-call]
        lambda tensor: torch.empty(tensor.shape, dtype=tensor.dtype)
    )
    with torch.no_grad():
        model.initialise(torch.Generator().manual_seed(seed))
    return model


def scaled_channels(channels: int, width: float) -> int:
    """Multiply a channel count and round it to a multiple of 8, at most 10 % down (torchvision)."""
    scaled = max(8, int(channels * width + 4) // 8 * 8)
    return scaled + 8 if scaled < 0.9 * channels * width else scaled


def logits_of(model: nn.Module, images: Tensor) -> Tensor:
    """Return logits (B, N) of a network whose output has ``logits``, or is logits."""
    output = model(images)
    logits: Tensor = getattr(output, "logits", output)
    return logits


def is_normalised_by_batch(model: nn.Module) -> bool:
    """Say whether what a network makes of an image depends on the others of its batch."""
    return bool(_learning_statistics(model))


def _learning_statistics(model: nn.Module) -> list[nn.BatchNorm2d]:
    return [m for m in model.modules() if isinstance(m, nn.BatchNorm2d) and m.training]


@contextmanager
def normalising_by_batch(model: nn.Module) -> Iterator[None]:
    """Evaluate a network as it is being trained: normalised by each batch, but nothing dropped.

    Layers that learn no statistics any more (frozen ones, or all of a network in evaluation mode)
    keep to those that they have. None learns any meanwhile; modes are restored afterwards.
    """
    own = _learning_statistics(model)
    with evaluating(model):
        for layer in own:
            layer.training, layer.track_running_stats = True, False
        try:
            yield
        finally:
            for layer in own:
                layer.track_running_stats = True


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode, and every layer back into its own afterwards."""
    # Some layers may be kept in evaluation mode while the rest is trained.
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
