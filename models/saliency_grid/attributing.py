"""Which pixels speak for a class: attribution maps, and how far they can be trusted.

B batch · C channels · H,W pixels · N classes. Networks are explained in evaluation mode; their mode
is restored and their parameters' gradients stay untouched.
"""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.attribution import grad_cam
from models.classifier import Classifier, evaluating, logits_of
from models.imageset import UNLABELLED
from models.preprocessing import to_float
from models.saliency_grid.deeplift import NoRuleError, deeplift
from models.saliency_grid.params import Baseline, Explainer, ExplainerParams, Target

_logger = logging.getLogger(__name__)

_SMALLEST_DIFFERENCE: Final = 0.01
"""Completeness errors are relative to the logits' difference, or to this when it is smaller."""
_POINTS_AT_A_TIME: Final = 64

_Found: TypeAlias = tuple[Tensor, Tensor | None, Tensor | None]
"""Absolute attribution, signed attribution, completeness errors."""


@dataclass(frozen=True)
class AttributionMaps:
    """What an explainer says about some images, on the CPU.

    Attributes:
        maps: Sum over the channels of the absolute attribution (B, H, W), float32; all zero for an
            image whose attribution is not finite.
        contributions: Sum over the channels of the signed attribution (B, H, W), float32, as
            finite as ``maps``; None for a method whose attributions do not add up to anything.
        classes: Class whose logit is explained (B,), int64.
        explainer: Method that was used.
        remark: Why another one was used than was asked for; empty when it was not.
        completeness_error: How far attributions are from adding up to the difference of the logits
            of image and baseline, as a share of it (B,); None for a method that promises no sum.
        is_complete: Whether that is within the tolerance (B,), bool; None as well.
        is_zero: Whether no pixel has any attribution (B,), bool.
        is_finite: Whether every pixel's attribution is a finite number (B,), bool.
    """

    maps: Tensor
    contributions: Tensor | None
    classes: Tensor
    explainer: Explainer
    remark: str
    completeness_error: Tensor | None
    is_complete: Tensor | None
    is_zero: Tensor
    is_finite: Tensor


def attribute_images(
    model: nn.Module, images: Tensor, classes: Tensor, params: ExplainerParams
) -> AttributionMaps:
    """Map how much each pixel speaks for a class, whatever the sign.

    ``map = sum_C |a|`` with ``a`` of DeepLIFT (integrated gradients where the network calls what
    DeepLIFT has no rule for, or where its sum is missed on most images), of integrated gradients,
    or the plain gradient of the logit; Grad-CAM is enlarged to the image bilinearly. ``a`` of the
    first two adds up to ``v_c(x) - v_c(x0)``.

    Args:
        model: Network of RGB images in [0, 1] whose output is logits (B, N), or has them as
            ``logits``; images must not interact in evaluation mode. Grad-CAM asks for one of ours.
        images: x (B, 3, H, W), uint8 or float32 in [0, 1].
        classes: Class c of each image (B,), int64.
        params: Method, baseline x0, tolerance and batch size.

    Returns:
        The maps and their record.

    Raises:
        ValueError: If there is not one class per image, or Grad-CAM is asked of a foreign network.
    """
    if len(images) == 0 or classes.shape != images.shape[:1]:
        raise ValueError(
            f"expected images and one class for each "
            f"(got {len(images)} images and classes {tuple(classes.shape)})"
        )
    with evaluating(model):
        found, explainer, remark = _explain(model, images, classes, params)
    if remark:
        _logger.warning(remark)
    values, signed, errors = found
    is_finite = torch.isfinite(values).flatten(1).all(dim=1)
    maps = torch.where(is_finite[:, None, None], values, 0.0)
    return AttributionMaps(
        maps=maps,
        contributions=None
        if signed is None
        else torch.where(is_finite[:, None, None], signed, 0.0),
        classes=classes.cpu(),
        explainer=explainer,
        remark=remark,
        completeness_error=errors,
        is_complete=None if errors is None else errors <= params.tolerance,
        is_zero=is_finite & (maps == 0).flatten(1).all(dim=1),
        is_finite=is_finite,
    )


def explained_classes(logits: Tensor, labels: Tensor, target: Target) -> Tensor:
    """Return whose logit is explained: the predicted class, or the label of an image that has one.

    Args:
        logits: Logits (B, N).
        labels: Class indices (B,), int64, ``UNLABELLED`` for images of a pool.
        target: ``predicted`` or ``true``.

    Returns:
        Class indices (B,), int64.
    """
    predicted = logits.argmax(dim=1)
    if target == "predicted":
        return predicted
    return torch.where(labels == UNLABELLED, predicted, labels)


def baseline_images(images: Tensor, baseline: Baseline, blur_share: float) -> Tensor:
    """Return what images are compared with: black images, or the images blurred.

    Args:
        images: RGB (B, 3, H, W), float32 in [0, 1].
        baseline: ``zero`` or ``blurred``.
        blur_share: Deviation of the Gaussian as a share of the shorter side.

    Returns:
        Images of the same shape.
    """
    if baseline == "zero":
        return torch.zeros_like(images)
    from kornia.filters import gaussian_blur2d

    shorter = min(images.shape[2:])
    sigma = blur_share * shorter
    # Reflection at the border reaches no further than the image.
    size = 2 * min(math.ceil(2 * sigma), shorter - 1) + 1
    blurred: Tensor = gaussian_blur2d(images, (size, size), (sigma, sigma))
    return blurred


def _explain(
    model: nn.Module, images: Tensor, classes: Tensor, params: ExplainerParams
) -> tuple[_Found, Explainer, str]:
    """Attribute by the method that was asked for, or by integrated gradients, and say why."""
    if params.name != "deeplift":
        return _attribute(model, images, classes, params, params.name), params.name, ""
    told = "explained by integrated gradients: DeepLIFT"
    try:
        found = _attribute(model, images, classes, params, "deeplift")
    except NoRuleError as missing:
        instead = _attribute(model, images, classes, params, "integrated_gradients")
        return instead, "integrated_gradients", f"{told} has no rule for {missing}"
    # No list of functions is complete: what has no rule and is on none shows in the sum.
    missed, judged = _missed(found, params.tolerance)
    if 2 * missed <= judged:
        return found, "deeplift", ""
    instead = _attribute(model, images, classes, params, "integrated_gradients")
    if _missed(instead, params.tolerance)[0] >= missed:
        # Of two that both miss it, the one that was asked for stays; images are flagged.
        return found, "deeplift", ""
    why = f"misses its sum by more than {params.tolerance:.3g} of it on {missed} of {judged} images"
    return instead, "integrated_gradients", f"{told} {why}"


def _missed(found: _Found, tolerance: float) -> tuple[int, int]:
    """Count images whose attributions do not add up, and those of which that can be told."""
    errors = found[2]
    if errors is None:
        return 0, 0
    known = errors[torch.isfinite(errors)]
    return int((known > tolerance).sum()), len(known)


def _attribute(
    model: nn.Module, images: Tensor, classes: Tensor, params: ExplainerParams, explainer: Explainer
) -> _Found:
    device = next(model.parameters()).device
    maps, signed, errors = [], [], []
    for some, own in zip(
        torch.split(images, params.batch_size), torch.split(classes, params.batch_size), strict=True
    ):
        pixels, own = to_float(some.to(device)), own.to(device)
        if explainer == "grad_cam":
            maps.append(_enlarged_grad_cam(model, pixels, own).cpu())
            continue
        if explainer == "input_gradients":
            maps.append(_input_gradients(model, pixels, own).abs().sum(dim=1).cpu())
            continue
        baselines = baseline_images(pixels, params.baseline, params.blur_share)
        if explainer == "deeplift":
            values, difference = deeplift(partial(logits_of, model), pixels, baselines, own)
        else:
            values, difference = _integrated_gradients(
                model, pixels, baselines, own, params.n_steps
            )
        maps.append(values.abs().sum(dim=1).cpu())
        signed.append(values.sum(dim=1).cpu())
        missed = (values.sum(dim=(1, 2, 3)) - difference).abs()
        errors.append((missed / difference.abs().clamp_min(_SMALLEST_DIFFERENCE)).cpu())
    if not errors:
        return torch.cat(maps), None, None
    return torch.cat(maps), torch.cat(signed), torch.cat(errors)


def _integrated_gradients(
    model: nn.Module, images: Tensor, baselines: Tensor, classes: Tensor, n_steps: int
) -> tuple[Tensor, Tensor]:
    """Integrate gradients along a straight line (Sundararajan et al. 2017, Eq. 1), by captum."""
    from captum.attr import IntegratedGradients

    forward: Callable[[Tensor], Tensor] = partial(logits_of, model)
    values: Tensor = IntegratedGradients(forward).attribute(
        images,
        baselines,
        target=classes,
        n_steps=n_steps,
        internal_batch_size=max(_POINTS_AT_A_TIME, len(images)),
    )
    with torch.no_grad():
        ends = torch.stack([forward(images), forward(baselines)])
    chosen = ends.gather(2, classes[None, :, None].expand(2, -1, 1))[..., 0]
    return values.detach().float(), chosen[0] - chosen[1]


def _input_gradients(model: nn.Module, images: Tensor, classes: Tensor) -> Tensor:
    with torch.enable_grad():
        inputs = images.detach().requires_grad_()
        chosen = logits_of(model, inputs).gather(1, classes[:, None]).sum()
        (gradients,) = torch.autograd.grad(chosen, inputs)
    return gradients


def _enlarged_grad_cam(model: nn.Module, images: Tensor, classes: Tensor) -> Tensor:
    if not isinstance(model, Classifier):
        raise ValueError(
            f"expected a Classifier for grad_cam (got {type(model).__name__}); "
            "take another explainer"
        )
    with torch.no_grad():
        features = model.trunk(images)
    cam = grad_cam(model, features, classes)
    return functional.interpolate(
        cam[:, None], size=images.shape[2:], mode="bilinear", align_corners=False
    )[:, 0]
