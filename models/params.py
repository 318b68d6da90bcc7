"""Parameters of the classifier, its training, the distillation and the evaluation.

Beside the algorithms they steer; ``flows/params.py`` only composes them. Importing this file
imports no tensor library.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class Params(BaseModel):
    """Frozen, closed to unknown names, with a description on every field."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


class ClassifierParams(Params):
    """Which network, from which weights, and where its concepts are read."""

    arch: Literal["vgg16", "resnet18", "mobilenet_v2", "squeezenet1_1"] = "resnet18"
    """Architecture; parameter names are torchvision's."""
    width: Annotated[float, Field(gt=0, le=2)] | None = None
    """Multiplier of every channel count; 1 is the published network, the only one that published
    weights fit. None takes 1 with ``weights`` and 0.5 without: a few thousand images do not fill a
    whole network, and half of it trains in a quarter of the time."""
    weights: str | None = None
    """Path of a safetensors file or of a checkpoint readable with ``weights_only``; None starts
    from random weights."""
    preprocess: Literal["auto", "imagenet", "caffe_bgr", "symmetric"] = "auto"
    """Input normalisation: ImageNet mean and deviation, Caffe's BGR minus mean, or x*2-1; auto
    reads the weights'."""
    output_stride: Literal[16, 32] = 32
    """Pixels between cells of a ResNet's last block; 16 leaves its stride out, which keeps
    parameter names and shapes and lets concepts be read right before a linear head."""
    concept_layer: str = "auto"
    """Layer whose post-ReLU features carry the concepts, e.g. ``layer3`` or ``features.29``; auto
    is the last one whose cells are 16 pixels apart."""
    frozen_until: str | None = None
    """Layer up to which (inclusive) parameters and statistics stay as loaded; None trains
    everything."""
    dropout: Share = 0.5
    """Dropout of the classifier head where the architecture has one."""

    @property
    def channel_multiplier(self) -> float:
        """``width``, or what None stands for."""
        if self.width is not None:
            return self.width
        return 0.5 if self.weights is None else 1.0


class AugmentParams(Params):
    """Random changes of training images, made by kornia."""

    flip: Share = 0.5
    """Probability of a horizontal flip."""
    crop_scale: Share = 1.0
    """Smallest share of the image's area that a random resized crop keeps; 1 makes no crop."""
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0
    """Largest rotation, degrees."""
    colour: Share = 0.0
    """Strength of brightness, contrast and saturation jitter."""


class TrainingParams(Params):
    """How the classifier is fitted to the labelled images."""

    image_size: Annotated[int, Field(ge=32, le=1024)] = 160
    """Side of the network's input, pixels."""
    resize: Literal["crop", "pad", "squash"] = "crop"
    """How a natural aspect becomes a square: centre crop, padding with the mean grey, or
    squashing."""
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Passes over the training images."""
    batch_size: Annotated[int, Field(ge=2, le=4096)] = 32
    """Images per step."""
    optimizer: Literal["adamw", "sgd"] = "adamw"
    """AdamW, or SGD with Nesterov momentum 0.9."""
    lr: Positive = 1e-3
    """Peak learning rate; warmed up over the first 5 % of the steps, then a cosine to 1 % of it."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    """Weight decay, not applied to biases and normalisation."""
    label_smoothing: Share = 0.0
    """Share of each label spread evenly over the classes."""
    balance: bool = True
    """Weigh the loss so that every class counts the same whatever its number of images."""
    augment: AugmentParams = AugmentParams()
    validation_share: Annotated[float, Field(gt=0, lt=0.9)] = 0.15
    """Share of each class's training images carved out for validation (at least one image)."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of forward and backward; auto takes bfloat16 where the device has it in hardware
    and it was measured to pay, float32 elsewhere."""
    channels_last: bool = True
    """Memory format of activations."""


class DistillationParams(Params):
    """Two-teacher distillation of a reviewer's correction into the network."""

    transfer: Literal["train", "pool", "both"] = "both"
    """Images over which the teachers speak: labelled training images, the unlabelled pool, or
    both."""
    temperature_reasoner: Positive = 1.0
    """T1 of the edited reasoner. Below T2: its logits are several times smaller than those of a
    network that fits its training images."""
    temperature_classifier: Positive = 3.0
    """T2 of the original network."""
    temperature_student: Positive = 3.0
    """Ts of the student in the soft term."""
    alpha: Annotated[float, Field(ge=0)] = 0.7
    """Weight of the soft term."""
    beta: Annotated[float, Field(ge=0)] = 0.3
    """Weight of the hard term, on labelled images only."""
    scale_t2: bool = True
    """Multiply the soft term by Ts squared, which keeps its gradients' size when the temperature
    changes."""
    skip_below: Share = 0.01
    """Graphs are not matched for an image to whose edited classes the classifier, at temperature 1,
    gives less than this share."""
    epochs: Count = 5
    """Passes over the transfer images."""
    batch_size: Annotated[int, Field(ge=2)] = 32
    """Images per step."""
    lr: Positive = 2e-4
    """Peak learning rate of AdamW."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    """Weight decay."""
    flip: Share = 0.5
    """Probability of a horizontal flip; soft labels are computed once per unflipped image."""
    edit_augmentation: Literal["off", "blank", "transplant"] = "off"
    """Additional training images in which the region of a rejected concept is blanked, or moved to
    another class; ``transfer`` must hold the training images then."""
    edit_augmentation_share: Share = 0.5
    """Share of these copies that is added to the transfer images: chosen once, the same for every
    epoch and student. The images they were made from stay."""
    seeds: Annotated[int, Field(ge=1, le=100)] = 3
    """Students trained per arm; intervals are over these and the test images."""

    @model_validator(mode="after")
    def _copies_have_sources(self) -> "DistillationParams":
        if self.edit_augmentation != "off" and self.transfer == "pool":
            raise ValueError(
                "expected transfer=train or both with edit_augmentation="
                f"{self.edit_augmentation}, whose copies are made from training images "
                "(got transfer=pool); change transfer, or set edit_augmentation=off"
            )
        return self


class PromotionParams(Params):
    """When a corrected network may become champion."""

    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Level of all intervals."""
    guard_band: Share = 0.02
    """Loss of accuracy on the other classes that the lower bound of the interval may not exceed."""
    champion_band: Share = 0.05
    """Loss of accuracy against the champion, where that is another run's network, that the lower
    bound of the interval may not exceed; 1 replaces it without comparing."""
    n_bootstrap: Annotated[int, Field(ge=100, le=1_000_000)] = 4000
    """Resamples of the paired bootstrap over seeds and images."""
    min_images: Annotated[int, Field(ge=2)] = 20
    """Fewer test images to judge by refuse: a bootstrap of a handful is too sure."""
    need_above_unmodified: bool = True
    """Also ask that the edited graphs beat the unmodified ones on the edited classes."""

    @model_validator(mode="after")
    def _resolves_its_tail(self) -> "PromotionParams":
        if self.n_bootstrap * (1 - self.confidence) / 2 < 2:
            raise ValueError(
                f"expected enough resamples for the tail of a {self.confidence} interval "
                f"(got {self.n_bootstrap}); raise n_bootstrap"
            )
        return self
