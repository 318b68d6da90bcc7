"""Input normalisation inside the networks, so that every caller hands over plain RGB in [0, 1].

B batch · H,W pixels. Weights of different origin expect different input; the kind travels with the
network.
"""

from typing import Final, Literal

import torch
from torch import Tensor, nn

Preprocess = Literal["imagenet", "caffe_bgr", "symmetric"]

# kind -> (mean, deviation) in the units and channel order that the kind works in
_STATISTICS: Final[dict[str, tuple[tuple[float, ...], tuple[float, ...]]]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "caffe_bgr": ((104 / 255, 117 / 255, 123 / 255), (1 / 255, 1 / 255, 1 / 255)),
    "symmetric": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}


class InputNormalisation(nn.Module):
    """Normalise RGB images in [0, 1] the way a set of weights expects.

    ``imagenet`` subtracts ImageNet's mean and divides by its deviation, ``caffe_bgr`` reverses the
    channels, scales to 0..255 and subtracts (104, 117, 123), ``symmetric`` is ``2 x - 1``. The
    statistics are buffers that are not part of the state dict, so that parameter names stay
    torchvision's.

    Args:
        kind: One of ``imagenet``, ``caffe_bgr``, ``symmetric``.

    Raises:
        ValueError: If the kind is unknown.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, kind: str) -> None:
        super().__init__()
        if kind not in _STATISTICS:
            raise ValueError(
                f"expected one of {sorted(_STATISTICS)} as preprocessing (got {kind!r})"
            )
        self.kind = kind
        self.register_buffer("mean", torch.empty(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.empty(3, 1, 1), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Fill the buffers with the statistics of ``kind``."""
        mean, deviation = _STATISTICS[self.kind]
        self.mean.copy_(torch.tensor(mean).view(3, 1, 1))
        self.deviation.copy_(torch.tensor(deviation).view(3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Return normalised images of the same shape (B, 3, H, W)."""
        if self.kind == "caffe_bgr":
            images = images.flip(1)
        return (images - self.mean) / self.deviation


def to_float(images: Tensor) -> Tensor:
    """Turn uint8 pixels into float32 in [0, 1].

    Args:
        images: Pixels (..., 3, H, W), uint8; float32 images pass unchanged.

    Returns:
        Images of the same shape, float32, [0, 1].

    Raises:
        ValueError: If the images are neither uint8 nor float32.
    """
    if images.dtype == torch.float32:
        return images
    if images.dtype != torch.uint8:
        raise ValueError(f"expected uint8 or float32 images (got {images.dtype})")
    return images.to(torch.float32) / 255
