"""The one loop over epochs and batches, for training and for distillation alike.

B batch · N classes. The loop draws order, augmentation and dropout of an epoch from (seed, epoch)
alone, on the CPU whatever the network is on: continuing from the state of epoch e gives the same
bits on a CPU as never having stopped, and a GPU is shown the same.
Writing states is left to ``tasks``.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import torch
from torch import Tensor, nn

from feedback.errors import ParamsError
from models.augmentation import (
    augment_images,
    augment_with_maps,
    flip_flags,
    flip_images,
    is_flip_only,
)
from models.classification_loss import Loss, classification_loss
from models.classifier import Classifier, evaluating
from models.dropout import dropout_drawn_from
from models.guidance import Guidance
from models.imageset import ImageSet
from models.optimisation import (
    OptimizerValues,
    build_optimizer,
    derived_seed,
    learning_rate,
    optimizer_values,
    restore_optimizer,
)
from models.params import AugmentParams, DistillationParams, TrainingParams
from models.precision import training_precision
from models.prediction import evaluate_classifier, predict_logits
from models.prefix import PrefixCache
from models.preprocessing import to_float

__all__ = [
    "TrainingState",
    "classification_loss",
    "evaluate_classifier",
    "fit",
    "predict_logits",
]

_LARGEST_GRADIENT: Final = 5.0
"""Gradients are scaled down to this norm: networks without normalisation start with rare huge
steps."""


@dataclass(frozen=True)
class TrainingState:
    """Everything that a fit needs to go on after an epoch.

    Attributes:
        epoch: Number of completed epochs.
        model: The network's state dict, on the CPU.
        optimizer: Flat optimiser state; see ``optimisation.optimizer_values``.
        metrics: Means of the loss terms over the epoch, the last learning rate, and what
            ``evaluate`` gave.
    """

    epoch: int
    model: dict[str, Tensor]
    optimizer: OptimizerValues
    metrics: dict[str, float]


def fit(
    model: Classifier,
    data: ImageSet,
    loss: Loss,
    *,
    params: TrainingParams | DistillationParams,
    seed: int,
    start: TrainingState | None = None,
    evaluate: Callable[[Classifier], dict[str, float]] | None = None,
    prefix: PrefixCache | None = None,
    guidance: Guidance | None = None,
    precision: str | None = None,
) -> Iterator[TrainingState]:
    """Train a network in place and yield its state after every epoch.

    Args:
        model: Network to change, on the device to train on.
        data: Images; their labels are not looked at.
        loss: Function of logits (B, N) and positions in ``data`` (B,); ``loss`` among its terms is
            minimised, the others are reported.
        params: Epochs, batch size, optimiser and augmentation.
        seed: Seed of order, augmentation and dropout.
        start: State to continue from; None starts with the network as it is.
        evaluate: Called after every epoch with the network in evaluation mode; its metrics join the
            state's.
        prefix: Outputs of the frozen layers for ``data``; only with an augmentation of flips alone.
        guidance: A further term of the loss on images that people said something about; batches
            without any cost nothing more for it. It is shown images with ``prefix`` too.
        precision: Arithmetic of the forward passes; None takes that of ``params``, or ``auto``.

    Yields:
        The state after each epoch.

    Raises:
        ParamsError: If the loss is no longer finite.
        ValueError: If the prefix cache does not belong to this fit.
    """
    augment = _augment_params(params)
    if prefix is not None:
        prefix.check(model, len(data))
        if not is_flip_only(augment):
            raise ValueError("expected an augmentation of flips alone with a prefix cache")
    channels_last = getattr(params, "channels_last", True)
    if channels_last:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    kind = getattr(params, "optimizer", "adamw")
    optimizer = build_optimizer(model, kind=kind, lr=params.lr, weight_decay=params.weight_decay)
    if start is not None:
        model.load_state_dict(start.model)
        restore_optimizer(optimizer, model, start.optimizer)
    device = next(model.parameters()).device
    views_of = partial(_views, model, data, augment, prefix, channels_last)
    precision = precision or str(getattr(params, "precision", "auto"))
    autocast = training_precision(device, precision)
    for epoch in range(0 if start is None else start.epoch, params.epochs):
        generator = torch.Generator().manual_seed(derived_seed(seed, epoch))
        batches = _batches(len(data), params.batch_size, generator)
        sums: dict[str, Tensor] = defaultdict(lambda: torch.zeros((), device=device))
        # Which term was not finite first: afterwards none is.
        is_guidance_at_fault = torch.zeros((), dtype=torch.bool, device=device)
        model.train()
        dropped = torch.Generator().manual_seed(derived_seed(seed, epoch, 1))
        chance = torch.Generator().manual_seed(derived_seed(seed, epoch, 2))
        with dropout_drawn_from(model, dropped):
            for position, index in enumerate(batches):
                step = epoch * len(batches) + position
                rate = learning_rate(step, params.epochs * len(batches), params.lr)
                for group in optimizer.param_groups:
                    group["lr"] = rate
                maps = _maps(guidance, index, data)
                values, shown, maps = views_of(index, generator, maps)
                with autocast():
                    logits = model(values).logits if prefix is None else model.suffix(values)
                terms = loss(logits.float(), index)
                if guidance is not None and shown is not None and maps is not None:
                    terms |= guidance(model, shown, maps, index, terms["loss"], chance)
                    is_guidance_at_fault |= (
                        terms["loss"].isfinite() & ~terms["guidance"].isfinite()
                    ).detach()
                optimizer.zero_grad(set_to_none=True)
                _backward(model, terms, None if guidance is None else guidance.largest_share)
                nn.utils.clip_grad_norm_(model.parameters(), _LARGEST_GRADIENT)
                optimizer.step()
                for name, value in terms.items():
                    sums[name] += value.detach() * len(index)
        metrics = {name: float(value) / len(data) for name, value in sums.items()} | {"lr": rate}
        if not torch.isfinite(torch.tensor(metrics["loss"])):
            remedies = [] if is_guidance_at_fault else ["lower lr"]
            if guidance is not None and "guidance" in metrics:
                remedies.append(guidance.remedy)
            raise ParamsError(
                f"expected a finite loss (got {metrics['loss']} in epoch {epoch + 1}); "
                + ", or ".join(remedies)
            )
        if evaluate is not None:
            with evaluating(model):
                metrics |= evaluate(model)
        yield TrainingState(
            epoch=epoch + 1,
            model=_state_copy(model),
            optimizer=optimizer_values(optimizer, model),
            metrics=metrics,
        )


def _backward(model: nn.Module, terms: dict[str, Tensor], largest_share: float | None) -> None:
    """Leave the gradient of the loss with its guidance, which joins it, in the parameters.

    The gradient of a guidance that may have a share of the loss's gradient only is scaled down to
    it, and ``bounded`` says whether it was. The two are computed one after the other anyway: their
    graphs have nothing in common.
    """
    own, guidance = terms["loss"], terms.get("guidance")
    if guidance is not None:
        terms["loss"] = own + guidance
    if guidance is None or largest_share is None or not guidance.requires_grad:
        terms["loss"].backward()  # type: ignore[no-untyped-call]
        return
    learning = [one for one in model.parameters() if one.requires_grad]
    both = [
        torch.autograd.grad(term, learning, allow_unused=True, materialize_grads=True)
        for term in (own, guidance)
    ]
    norms = [nn.utils.get_total_norm(gradients) for gradients in both]
    smallest = torch.finfo(norms[1].dtype).tiny
    factor = (largest_share * norms[0] / norms[1].clamp_min(smallest)).clamp(max=1)
    terms["bounded"] = (factor < 1).float()
    for parameter, first, second in zip(learning, *both, strict=True):
        parameter.grad = first + factor * second


def _views(
    model: Classifier,
    data: ImageSet,
    augment: AugmentParams,
    prefix: PrefixCache | None,
    channels_last: bool,
    index: Tensor,
    generator: torch.Generator,
    maps: Tensor | None,
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Return what the network is shown of a batch: altered images, or outputs of frozen layers.

    Where there are maps, they come with the altered images, whose geometry they follow.
    """
    device = next(model.parameters()).device
    flags = flip_flags(len(index), augment.flip, generator)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    if prefix is not None:
        values = prefix.lookup(index, flags).to(device)
        if values.ndim == 4:
            values = values.contiguous(memory_format=layout)
        if maps is None:
            return values, None, None
    images = to_float(data.images[index].to(device))
    if maps is None:
        shown, _ = augment_images(flip_images(images, flags), augment, generator)
    else:
        shown, maps = augment_with_maps(images, maps.to(device), flags, augment, generator)
    shown = shown.contiguous(memory_format=layout)
    return shown if prefix is None else values, shown, maps


def _maps(guidance: Guidance | None, index: Tensor, data: ImageSet) -> Tensor | None:
    """Return maps of the images of a batch, zero for those that have none; None for no map."""
    if guidance is None:
        return None
    guided, found = guidance.maps(index)
    if len(guided) == 0:
        return None
    maps = torch.zeros(len(index), *data.images.shape[2:])
    maps[guided] = found
    return maps


def _batches(n_images: int, batch_size: int, generator: torch.Generator) -> list[Tensor]:
    """Split a random order into batches; a last single image joins the batch before it.

    Normalisation over a batch of one image is undefined where a layer has one cell.
    """
    order = torch.randperm(n_images, generator=generator)
    batches = list(torch.split(order, batch_size))
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def _augment_params(params: TrainingParams | DistillationParams) -> AugmentParams:
    if isinstance(params, TrainingParams):
        return params.augment
    return AugmentParams(flip=params.flip)


def _state_copy(model: nn.Module) -> dict[str, Tensor]:
    return {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in model.state_dict().items()
    }
