"""The demo set in memory, for benchmarks that want fresh images per seed without files."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.imageset import UNLABELLED, ImageSet
from tasks.demo.plan import CLASSES, plan_split
from tasks.demo.render import CHUNK, describe, photograph

DEFAULT_COUNTS = {"train": 70, "test": 70, "pool": 40}


class RenderedImages(NamedTuple):
    """A split of the demo set with its truth.

    Attributes:
        images: Images, labels (``UNLABELLED`` in a pool), names and foreground masks.
        parts: Part ids (B, H, W), uint8, see ``tasks.demo.shapes.PARTS``.
        meta: Class, cue and condition of each image, as in ``meta.json``.
    """

    images: ImageSet
    parts: Tensor
    meta: list[dict[str, str | None]]


def render_images(
    split: str,
    seed: int = 0,
    *,
    n_per_class: int | None = None,
    image_size: int = 128,
    workers: int = 1,
    shortcut_share: float = 0.9,
) -> RenderedImages:
    """Render a split with the very pixels that its JPEG files would decode to.

    Args:
        split: ``train``, ``test`` or ``pool``.
        seed: Seed of everything that is drawn.
        n_per_class: Images of each class; None takes the demo set's number.
        image_size: Side of the images, pixels.
        workers: Processes; 0 takes one per core. The pixels do not depend on it.
        shortcut_share: Share of a carrier's training images that carry its cue.

    Returns:
        Images, part ids and what is known about each image, sorted by name.
    """
    plans = plan_split(split, seed, n_per_class or DEFAULT_COUNTS.get(split, 1), shortcut_share)
    chunks = [plans[i : i + CHUNK] for i in range(0, len(plans), CHUNK)]
    n_workers = min(workers or (os.cpu_count() or 1), len(chunks))
    if n_workers == 1:
        rendered = [photograph(chunk, image_size) for chunk in chunks]
    else:
        with ProcessPoolExecutor(n_workers, mp_context=get_context("forkserver")) as pool:
            rendered = list(pool.map(photograph, chunks, [image_size] * len(chunks)))
    pixels, masks, parts = (np.concatenate(arrays) for arrays in zip(*rendered, strict=True))
    labels = [UNLABELLED if split == "pool" else CLASSES.index(plan.class_name) for plan in plans]
    images = ImageSet(
        images=torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(),  # (B, 3, H, W)
        labels=torch.tensor(labels, dtype=torch.int64),
        names=tuple(f"{plan.split}/{plan.name}.jpg" for plan in plans),
        classes=CLASSES,
        masks=torch.from_numpy(masks),
    )
    return RenderedImages(images, torch.from_numpy(parts), [describe(plan) for plan in plans])
