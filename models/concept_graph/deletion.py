"""The deletion check: does the classifier itself lose its answer when a concept's region goes?

Contributions speak about the reasoner; this speaks about the network that it stands in for. Shape
legend: P deletions (an image and a region each) · H,W pixels · S segments.
"""

from typing import Literal, NamedTuple

import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor

from models.classifier import Classifier, evaluating, to_float
from models.prediction import predict_logits

Fill = Literal["grey", "blur"]

_GREY = 117 / 255
"""The padding of segments in ACE's code, close to ImageNet's mean."""
_NEAREST = 3
"""Segments closest in size among which a control is drawn."""


class DeletionEffect(NamedTuple):
    """What blanking regions does to the classifier.

    Attributes:
        logit_change: Logit without the region minus logit with it (P,); negative: the region
            supported the class.
        prob_change: The same for the softmax probability (P,).
    """

    logit_change: Tensor
    prob_change: Tensor


def deletion_effect(
    model: Classifier,
    images: Tensor,
    masks: Tensor,
    class_index: Tensor,
    *,
    fill: Fill = "grey",
    batch_size: int = 64,
) -> DeletionEffect:
    """Blank one region of every image and report how the logit of a class moves.

    Args:
        model: Used in evaluation mode, on its own device.
        images: Pixels (P, 3, H, W), uint8.
        masks: Region to blank (P, H, W), bool; an empty one changes nothing.
        class_index: Class whose logit is read (P,), int64.
        fill: Mean ``grey``, or the image ``blur``-red with a sixteenth of its side.
        batch_size: Images per forward pass.

    Returns:
        Changes, on the CPU.

    Raises:
        ValueError: If the masks are not of the images' number and size.
    """
    after = blanked_logits(model, images, masks, fill=fill, batch_size=batch_size)
    before = predict_logits(model, images, batch_size)
    row = torch.arange(len(images))
    column = class_index.cpu()
    logits = after[row, column] - before[row, column]
    probs = after.softmax(dim=1)[row, column] - before.softmax(dim=1)[row, column]
    return DeletionEffect(logits, probs)


@torch.no_grad()
def blanked_logits(
    model: Classifier,
    images: Tensor,
    masks: Tensor,
    *,
    fill: Fill = "grey",
    batch_size: int = 64,
) -> Tensor:
    """Return the logits of images with one region of each blanked.

    Args:
        model: Used in evaluation mode, on its own device.
        images: Pixels (P, 3, H, W), uint8.
        masks: Region to blank (P, H, W), bool; an empty one changes nothing.
        fill: Mean ``grey``, or the image ``blur``-red with a sixteenth of its side.
        batch_size: Images per forward pass.

    Returns:
        Logits (P, N), float32, on the CPU.

    Raises:
        ValueError: If the masks are not of the images' number and size.
    """
    if masks.shape != (len(images), *images.shape[2:]):
        raise ValueError(
            f"expected masks {(len(images), *images.shape[2:])} (got {tuple(masks.shape)})"
        )
    device = next(model.parameters()).device
    found: list[Tensor] = []
    with evaluating(model):
        for index in torch.split(torch.arange(len(images)), batch_size):
            whole = to_float(images[index].to(device))
            blanked = torch.where(masks[index].to(device)[:, None], _filling(whole, fill), whole)
            # As the whole images are laid out, so that an empty region changes not even a bit.
            blanked = blanked.contiguous(memory_format=torch.channels_last)
            found.append(model(blanked).logits.float().cpu())
    return torch.cat(found)


def control_segments(
    chosen: Tensor,
    image_index: Tensor,
    area: Tensor,
    box: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Draw for every segment another one of the same image and about the same size.

    Blanking anything moves a logit; only what the concept's region does beyond such a control is
    due to the concept.

    Args:
        chosen: Rows of the segments to be blanked (P,), int64.
        image_index: Image of every segment (S,), int64.
        area: Share of its image that every segment covers (S,).
        box: Tight box x0, y0, x1, y1 of every segment (S, 4), pixels, the last two exclusive;
            segments whose boxes meet the blanked one are taken only when there is no other.
        generator: Draws one of the three closest in size.

    Returns:
        Rows (P,), int64; -1 where the image has no other segment.
    """
    controls = []
    for row in chosen.tolist():
        same_image = (image_index == image_index[row]).nonzero().flatten()
        others = same_image[same_image != row]
        if len(others) == 0:
            controls.append(-1)
            continue
        apart = (box[others, :2] >= box[row, 2:]).any(dim=1) | (
            box[others, 2:] <= box[row, :2]
        ).any(dim=1)
        others = others[apart] if bool(apart.any()) else others
        closest = others[(area[others] - area[row]).abs().argsort(stable=True)[:_NEAREST]]
        draw = int(torch.randint(len(closest), (1,), generator=generator))
        controls.append(int(closest[draw]))
    return torch.tensor(controls, dtype=torch.int64)


def _filling(images: Tensor, fill: Fill) -> Tensor:
    """Return what replaces the region (P, 3, H, W)."""
    if fill == "grey":
        return torch.full_like(images, _GREY)
    sigma = max(images.shape[-1] / 16, 0.5)
    size = 2 * int(2 * sigma) + 1
    blurred: Tensor = gaussian_blur2d(images, (size, size), (sigma, sigma), border_type="replicate")
    return blurred
