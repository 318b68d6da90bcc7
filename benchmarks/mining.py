"""Cost of mining the concepts of a class, every ratio measured in one run.

    python -m benchmarks.mining [--arch vgg16] [--device cpu] [--quality]

Writes ``benchmarks/results/mining_<arch>_<device>.json``. About two minutes on two cores with
ResNet-18, eight with VGG-16; ``--quality`` trains a classifier first and adds about five. Targets:
mining at most 1.5 times SLIC plus one forward and backward, TCAV at most 1.0 times mining, pooled
at least 30 times faster than the per-segment reference, at most 10 MB per image.
"""

import argparse
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.concept_quality import measure_quality
from benchmarks.report import spread, write_result
from models.attribution import cell_gradients
from models.classifier import Classifier, build_classifier, to_float
from models.concept_graph.concepts import mine_concepts
from models.concept_graph.embedding import embed_segments, images_per_forward
from models.concept_graph.gated_embedding import embed_with_gate
from models.concept_graph.params import ClusterParams, ConceptGraphParams
from models.concept_graph.reliance import margin_falls
from models.concept_graph.segments import segment_images
from models.concept_graph.tcav import score_concepts
from models.params import ClassifierParams
from tasks.demo.images import render_images

logger = logging.getLogger(__name__)


def main() -> None:
    """Measure, log the ratios and write the result."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--patch-images", type=int, default=3)
    parser.add_argument("--quality", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    n_per_class = -(-options.images // 12)
    rendered = render_images(
        "train", options.seed, n_per_class=n_per_class, image_size=options.size
    )
    images = rendered.images.images[: options.images]
    model = build_classifier(ClassifierParams(arch=options.arch, width=1), 12, seed=options.seed)
    model = model.eval().to(options.device)
    result: dict[str, Any] = {"settings": vars(options)}
    result |= measure_speed(model, images, options.repeats, options.patch_images, options.seed)
    if options.quality:
        result["quality"] = measure_quality(options.seed, options.device)
    path = write_result(f"mining_{options.arch}_{options.device}", result)
    for name in ("mining_over_parts", "tcav_over_mining", "patch_over_pooled"):
        logger.info("%s %.2f", name, result[name]["median"])
    logger.info("memory per image %.1f MB -> %s", result["memory"]["peak_mb_per_image"], path)


def measure_speed(
    model: Classifier, images: Tensor, repeats: int, n_patch_images: int, seed: int
) -> dict[str, Any]:
    """Time the parts side by side in each repeat, so that a busy machine slows all alike."""
    params = ConceptGraphParams()
    classes = torch.zeros(len(images), dtype=torch.int64)
    mine_class(model, images[:4], classes[:4], params, seed)  # imports, allocator, kernels
    seconds: dict[str, list[float]] = {}
    for _ in range(repeats):
        parts = {
            "slic": _timed(lambda: slic_alone(images, params)),
            "forward_backward": _timed(lambda: forward_backward(model, images, classes)),
            "mining": _timed(lambda: mine_class(model, images, classes, params, seed)),
        }
        segments, seen, mined = mine_class(model, images, classes, params, seed)
        # Where the product scores them: on the device, to which the gradients go as well.
        device = next(model.parameters()).device
        parts["tcav"] = _timed(
            lambda mined=mined, seen=seen, device=device: score_concepts(
                mined.bank,
                mined.members,
                seen.embeddings.to(device),
                seen.class_gradients.to(device),
                seen.embeddings.to(device),
                params.tcav,
                seed,
            )
        )
        parts["blanking"] = _timed(
            lambda mined=mined, segments=segments: margin_falls(
                model, images, segments, mined.members, len(mined.bank), 0, []
            )
        )
        parts["pooled"] = _timed(lambda s=segments: _embed(model, images, s, "pooled"))
        few = segments.of_images(torch.arange(n_patch_images))
        patch = _timed(lambda few=few: _embed(model, images[:n_patch_images], few, "patch"))
        # The reference costs the same per segment; all images would take minutes.
        parts["patch_scaled"] = patch * len(segments) / len(few)
        for name, value in parts.items():
            seconds.setdefault(name, []).append(value)
    both = [a + b for a, b in zip(seconds["slic"], seconds["forward_backward"], strict=True)]
    return {
        "seconds": {name: spread(values) for name, values in seconds.items()},
        "mining_over_parts": _ratio(seconds["mining"], both),
        "tcav_over_mining": _ratio(seconds["tcav"], seconds["mining"]),
        "blanking_over_mining": _ratio(seconds["blanking"], seconds["mining"]),
        "patch_over_pooled": _ratio(seconds["patch_scaled"], seconds["pooled"]),
        "segments_per_image": len(segments) / len(images),
        "segments_in_gate": int((mined.members >= 0).sum()),
        "memory": measure_memory(lambda: mine_class(model, images, classes, params, seed), images),
    }


def mine_class(
    model: Classifier,
    images: Tensor,
    classes: Tensor,
    params: ConceptGraphParams,
    seed: int,
    precision: str = "float32",
) -> tuple[Any, Any, Any]:
    """Mine the concepts of one class from its images, TCAV apart."""
    segments = segment_images(images, params.segments, params.workers)
    seen = embed_with_gate(
        model, images, classes, segments, params.gate, params.clusters, precision=precision
    )
    mined = mine_concepts(
        0, "class", segments, seen.embeddings.cpu(), seen.gate_coverage.cpu(), params, seed
    )
    return segments, seen, mined


def slic_alone(images: Tensor, params: ConceptGraphParams) -> None:
    """Run scikit-image's SLIC at every resolution on as many threads as mining uses."""
    from skimage.segmentation import slic

    pixels = images.permute(0, 2, 3, 1).numpy()
    rules = params.segments

    def all_levels(image: Any) -> None:
        for n_segments in rules.n_segments:
            slic(
                image,
                n_segments=n_segments,
                compactness=rules.compactness,
                sigma=rules.sigma,
                min_size_factor=rules.min_size_factor,
            )

    with ThreadPoolExecutor(params.workers or len(os.sched_getaffinity(0))) as pool:
        list(pool.map(all_levels, pixels))


def forward_backward(model: Classifier, images: Tensor, classes: Tensor) -> None:
    """Run what Grad-CAM cannot do without: one forward, and one backward to the concept layer."""
    device = next(model.parameters()).device
    n_each = images_per_forward(device)
    for batch, own in zip(images.split(n_each), classes.split(n_each), strict=True):
        with torch.no_grad():
            features = model.trunk(to_float(batch.to(device)))
        cell_gradients(model, features, own.to(device))


def measure_memory(mine: Callable[[], Any], images: Tensor) -> dict[str, float]:
    """Sample the resident memory while mining; activations of one batch are included."""
    page = os.sysconf("SC_PAGE_SIZE")

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * page

    before, peak, stop = resident(), 0, threading.Event()

    def sample() -> None:
        nonlocal peak
        while not stop.wait(0.005):
            peak = max(peak, resident())

    sampler = threading.Thread(target=sample)
    sampler.start()
    segments, seen, _ = mine()
    stop.set()
    sampler.join()
    kept = [*vars(segments).values(), seen.embeddings, seen.gate_coverage, seen.class_gradients]
    held = sum(tensor.numel() * tensor.element_size() for tensor in kept)
    return {
        "peak_mb_per_image": max(0, peak - before) / len(images) / 1e6,
        "held_mb_per_image": held / len(images) / 1e6,
    }


def _embed(model: Classifier, images: Tensor, segments: Any, embedding: Any) -> Tensor:
    n_each = images_per_forward(next(model.parameters()).device)
    return embed_segments(
        model, images, segments, ClusterParams(embedding=embedding), batch_size=n_each
    )


def _timed(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def _ratio(above: list[float], below: list[float]) -> dict[str, Any]:
    return spread([a / b for a, b in zip(above, below, strict=True)])


if __name__ == "__main__":
    main()
