"""Outputs of frozen layers, kept in the process for the next stage that trains on the same images.

For stages of any channel: students that start from one network, and parts of one training.
"""

from typing import TYPE_CHECKING

from tasks.stage import Work

if TYPE_CHECKING:
    from models.classifier import Classifier
    from models.imageset import ImageSet
    from models.prefix import PrefixCache


def shared_prefix(work: Work, model: "Classifier", images: "ImageSet") -> "PrefixCache | None":
    """Return the frozen layers' outputs on these images, computed by whichever stage came first.

    Args:
        work: Keeps them, one set at a time: they are large, and the arms of a run share their
            images.
        model: Network with the frozen layers, used on its own device.
        images: What it is trained on.

    Returns:
        The cache; None when nothing is frozen, or it would be too large.
    """
    from feedback.canonical import sha256_hex
    from models.prefix import build_prefix_cache, prefix_fingerprint

    if model.n_frozen == 0:
        return None
    key = sha256_hex(
        (prefix_fingerprint(model) + sha256_hex(images.images.numpy().tobytes())).encode()
    )
    return work.latest("prefix", key, lambda: build_prefix_cache(model, images.images))
