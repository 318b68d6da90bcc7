"""Outputs of a network's frozen layers, computed once and shared by all fits over the same images.

B images · C channels · h,w cells. About thirty students are distilled from one network on one set
of images; what its frozen layers say about these images is the same every time.
"""

import hashlib
import logging

import torch
from torch import Tensor

from models.classifier import Classifier, evaluating
from models.preprocessing import to_float

_logger = logging.getLogger(__name__)


class PrefixCache:
    """Frozen-layer outputs of every image and of its mirror image.

    Args:
        values: Outputs (2, B, C, h, w); first of the images, then of the mirrored ones.
        fingerprint: Digest of the frozen layers that computed them.
    """

    def __init__(self, values: Tensor, fingerprint: str) -> None:
        self.values = values
        self.fingerprint = fingerprint

    def __len__(self) -> int:
        return self.values.shape[1]

    def lookup(self, index: Tensor, flags: Tensor) -> Tensor:
        """Return outputs (b, C, h, w), float32, of images ``index``, mirrored as ``flags`` say."""
        return self.values[flags.to(torch.int64), index].float()

    def check(self, model: Classifier, n_images: int) -> None:
        """Refuse a network with other frozen layers, or another number of images.

        Raises:
            ValueError: If the cache does not belong to this fit.
        """
        if len(self) != n_images:
            raise ValueError(
                f"expected a prefix cache of {n_images} images (got {len(self)}); "
                "build it from the same set"
            )
        if self.fingerprint != prefix_fingerprint(model):
            raise ValueError(
                f"expected a prefix cache of this network's layers up to {model.frozen_until} "
                "(got one of other layers); build it again"
            )


def build_prefix_cache(
    model: Classifier,
    images: Tensor,
    *,
    batch_size: int = 64,
    dtype: torch.dtype = torch.float32,
    budget_bytes: int = 2 * 2**30,
) -> PrefixCache | None:
    """Run all images and their mirror images through the frozen layers once.

    Args:
        model: Network with ``frozen_until``; used on its own device.
        images: Pixels (B, 3, H, W), uint8.
        batch_size: Images per forward pass.
        dtype: float32, or float16 for half the memory and rounding of about 1e-3.
        budget_bytes: Largest size of the cache.

    Returns:
        The cache on the CPU, or None, with a line in the log, when nothing is frozen or it would
        not fit.
    """
    if model.n_frozen == 0:
        _logger.info("no prefix cache: no layer is frozen")
        return None
    device = next(model.parameters()).device

    def outputs(batch: Tensor) -> Tensor:
        with evaluating(model), torch.inference_mode():
            floats = to_float(batch.to(device))
            both = [model.prefix(floats), model.prefix(floats.flip(-1))]
            return torch.stack(both).to("cpu", dtype)

    first = outputs(images[:1])
    n_bytes = len(images) * first.nbytes
    if n_bytes > budget_bytes:
        _logger.warning(
            "no prefix cache: expected at most %d MB (got %d MB for %d images); "
            "freeze more layers or use smaller images to train faster",
            budget_bytes // 2**20,
            n_bytes // 2**20,
            len(images),
        )
        return None
    values = torch.empty((2, len(images), *first.shape[2:]), dtype=dtype)
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        values[:, start : start + len(batch)] = outputs(batch)
    return PrefixCache(values, prefix_fingerprint(model))


def prefix_fingerprint(model: Classifier) -> str:
    """Digest what frozen layers compute: architecture, normalisation, parameters, statistics."""
    digest = hashlib.sha256(
        f"{model.arch} {model.width} {model.preprocess} {model.frozen_until}".encode()
    )
    for name, stage in model.stages()[: model.n_frozen]:
        for key, value in stage.state_dict().items():
            digest.update(f"{name}.{key}".encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
