"""Pictures of an explained image: what the network sees, and attribution to lay over it."""

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

_BRIGHTEST: Final = 0.99
"""Share of the pixels below the value that is drawn as full: single pixels hide the rest."""


def image_png(pixels: Tensor) -> bytes:
    """Encode an image (3, H, W), uint8, RGB."""
    return _png(pixels.permute(1, 2, 0).numpy(), "RGB")


def overlay_png(attribution: Tensor) -> bytes:
    """Encode attribution as a red veil, the more opaque the more relevant.

    Args:
        attribution: Map (H, W), at least 0.

    Returns:
        PNG with transparency; wholly transparent where there is no attribution.
    """
    values = attribution.numpy().astype(np.float64)
    full = float(np.quantile(values, _BRIGHTEST)) or float(values.max())
    strength = np.clip(values / full, 0, 1) if full > 0 else np.zeros_like(values)
    veil = np.empty((*values.shape, 4), np.uint8)
    veil[..., :3] = (220, 38, 38)
    veil[..., 3] = np.round(255 * strength)
    return _png(veil, "RGBA")


def _png(pixels: NDArray[np.uint8], mode: str) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels), mode).save(buffer, "PNG")
    return buffer.getvalue()
