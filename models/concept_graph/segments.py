"""Multi-resolution SLIC superpixels of many images at once.

Achanta et al. 2012 through scikit-image, with ACE's settings and its drop rules (Ghorbani et al.
2019). SLIC runs outside the interpreter's lock, so threads use all cores without starting processes
or copying images.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.concept_graph.cell_weights import cell_weights as cell_weights
from models.concept_graph.params import SegmentParams
from models.concept_graph.segment_set import SegmentSet as SegmentSet

Progress = Callable[[int, int], None]


def segment_images(
    images: Tensor,
    params: SegmentParams,
    workers: int = 0,
    on_progress: Progress | None = None,
) -> SegmentSet:
    """Cut every image into superpixels at each requested resolution.

    A segment is dropped when it covers at most ``min_area`` of the image, or when its Jaccard
    overlap with a segment kept at an earlier (coarser) resolution exceeds ``max_overlap``; segments
    of one resolution are not compared.

    Deviates from the paper: ACE's code forgets its parameters after the first image and loses the
    last label of each resolution; here every image gets the same parameters and every label counts.
    Colour conversion and smoothing are done once per image instead of once per resolution, with the
    compactness rescaled to give the same segments.

    Args:
        images: Pixels (B, 3, H, W), uint8, RGB.
        params: Resolutions and drop rules.
        workers: Threads; 0 takes one per core. The result does not depend on it.
        on_progress: Called with (images done, images) as they finish, in order.

    Returns:
        The kept segments, on the CPU.

    Raises:
        ValueError: If the images are not uint8 (B, 3, H, W).
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(
            f"expected uint8 images (B, 3, H, W) (got {images.dtype} {tuple(images.shape)})"
        )
    pixels = images.cpu().permute(0, 2, 3, 1).numpy()
    results: list[_ImageSegments] = []
    for result in _over_images(pixels, params, workers):
        results.append(result)
        if on_progress is not None:
            on_progress(len(results), len(pixels))
    return _assemble(results, len(params.n_segments), images.shape[2], images.shape[3])


class _ImageSegments(NamedTuple):
    label_maps: NDArray[Any]  # (R, H, W)
    level: NDArray[np.int64]
    label: NDArray[np.int64]
    area: NDArray[np.float32]
    centroid: NDArray[np.float32]
    box: NDArray[np.int64]


def _over_images(
    pixels: NDArray[np.uint8], params: SegmentParams, workers: int
) -> Iterator[_ImageSegments]:
    n_workers = min(workers or len(os.sched_getaffinity(0)), len(pixels))
    if n_workers <= 1:
        yield from (_segment_image(image, params) for image in pixels)
        return
    # The first import must not be made by all threads at once.
    from skimage.segmentation import slic  # noqa: F401

    with ThreadPoolExecutor(n_workers) as pool:
        yield from pool.map(lambda image: _segment_image(image, params), pixels)


def _segment_image(image: NDArray[np.uint8], params: SegmentParams) -> _ImageSegments:
    maps = _slic_levels(image, params)
    kept = _kept_labels(maps, params)
    described = [_describe(labels, rows) for labels, rows in zip(maps, kept, strict=True)]
    small = np.uint8 if max(int(labels.max()) for labels in maps) < 256 else np.int16
    return _ImageSegments(
        label_maps=np.stack(maps).astype(small),
        level=np.repeat(np.arange(len(kept)), [len(rows) for rows in kept]),
        label=np.concatenate(kept).astype(np.int64),
        area=np.concatenate([area for area, _, _ in described]),
        centroid=np.concatenate([centroid for _, centroid, _ in described]),
        box=np.concatenate([box for _, _, box in described]),
    )


def _kept_labels(maps: list[NDArray[np.int64]], params: SegmentParams) -> list[NDArray[np.int64]]:
    """Apply the drop rules; contingency tables of label maps stand in for boolean masks."""
    areas = [np.bincount(labels.ravel()) for labels in maps]
    kept: list[NDArray[np.int64]] = []
    for level, labels in enumerate(maps):
        keep = areas[level] > params.min_area * labels.size
        for coarser, rows in enumerate(kept):
            overlap = _largest_overlap(maps[coarser], areas[coarser], rows, labels, areas[level])
            keep &= overlap <= params.max_overlap
        kept.append(np.flatnonzero(keep))
    return kept


def _describe(
    labels: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Return share of the image, centroid (x, y) and box of the labels in ``rows``."""
    from scipy import ndimage

    height, width = labels.shape
    y, x = np.indices(labels.shape, dtype=np.float64) + 0.5
    area = np.bincount(labels.ravel()).astype(np.float64)
    sums = [np.bincount(labels.ravel(), axis.ravel())[rows] for axis in (x / width, y / height)]
    found = ndimage.find_objects(labels.astype(np.int32) + 1)
    slices = [found[row] for row in rows]
    box = [(x.start, y.start, x.stop, y.stop) for y, x in slices]
    return (
        (area[rows] / labels.size).astype(np.float32),
        (np.stack(sums, axis=1) / area[rows, None]).astype(np.float32),
        np.array(box, dtype=np.int64).reshape(-1, 4),
    )


def _slic_levels(image: NDArray[np.uint8], params: SegmentParams) -> list[NDArray[np.int64]]:
    from scipy import ndimage
    from skimage.color import rgb2lab
    from skimage.segmentation import slic

    # What slic() does before clustering, once for all resolutions: stretch to [0, 1], Lab, smooth.
    unit = image.astype(np.float64) / 255.0
    unit -= unit.min()
    unit /= unit.max() or 1.0
    lab = rgb2lab(unit)
    if params.sigma > 0:
        lab = ndimage.gaussian_filter(lab, (params.sigma, params.sigma, 0), mode="reflect")
    # slic() stretches its input again; dividing the compactness by that range undoes it.
    span = float(lab.max() - lab.min()) or 1.0
    maps: list[NDArray[np.int64]] = [
        slic(
            lab,
            n_segments=n_segments,
            compactness=params.compactness / span,
            sigma=0,
            min_size_factor=params.min_size_factor,
            convert2lab=False,
            start_label=0,
            channel_axis=-1,
        )
        for n_segments in params.n_segments
    ]
    return maps


def _largest_overlap(
    coarse: NDArray[np.int64],
    coarse_area: NDArray[np.int64],
    coarse_kept: NDArray[np.int64],
    fine: NDArray[np.int64],
    fine_area: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return each fine label's largest Jaccard overlap with a kept coarse label."""
    n_fine = len(fine_area)
    table = np.bincount((coarse * n_fine + fine).ravel(), minlength=len(coarse_area) * n_fine)
    common = table.reshape(-1, n_fine)[coarse_kept]
    union = coarse_area[coarse_kept, None] + fine_area - common
    largest: NDArray[np.float64] = np.max(common / np.maximum(union, 1), axis=0, initial=0.0)
    return largest


def _assemble(results: list[_ImageSegments], n_levels: int, height: int, width: int) -> SegmentSet:
    counts = [len(result.label) for result in results]
    image_index = torch.repeat_interleave(
        torch.arange(len(results)), torch.tensor(counts, dtype=torch.int64)
    )

    def joined(name: str, empty: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.concatenate([empty, *(getattr(r, name) for r in results)]))

    dtype = np.result_type(np.uint8, *(r.label_maps.dtype for r in results))
    maps = np.empty((len(results), n_levels, height, width), dtype=dtype)
    for position, result in enumerate(results):
        maps[position] = result.label_maps
    return SegmentSet(
        label_maps=torch.from_numpy(maps),
        image_index=image_index,
        level=joined("level", np.empty(0, np.int64)),
        label=joined("label", np.empty(0, np.int64)),
        area=joined("area", np.empty(0, np.float32)),
        centroid=joined("centroid", np.empty((0, 2), np.float32)),
        box=joined("box", np.empty((0, 4), np.int64)),
    )
