"""Images per second of training and of mining, against forward passes alone.

    python -m benchmarks.throughput [--arch vgg16] [--device cuda] [--images 512] [--size 224]

Writes ``benchmarks/results/throughput_<arch>_<device>.json``. With no ``--device`` it takes a GPU
where there is one; on a CPU, 16 images of VGG-16 are a few minutes on two cores. The weights are
random: what a pass costs does not depend on them.
"""

import argparse
import logging
import time
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.mining import mine_class
from benchmarks.report import spread, write_result
from models.classification_loss import classification_loss
from models.classifier import Classifier, build_classifier
from models.concept_graph.gated_embedding import embed_with_gate
from models.concept_graph.params import ConceptGraphParams
from models.concept_graph.segments import segment_images
from models.imageset import ImageSet
from models.params import ClassifierParams, TrainingParams
from models.prediction import predict_logits
from models.training import fit
from tasks.demo.images import render_images
from tasks.device import best_device, describe_device

logger = logging.getLogger(__name__)
N_CLASSES = 12
MOST_ON_A_CPU = 16


def main() -> None:
    """Measure, log images per second and write the result."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", default="vgg16")
    parser.add_argument("--device", default=best_device().type)
    parser.add_argument("--images", type=int, default=0, help="0: 512, or 16 on a CPU")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.images = options.images or (MOST_ON_A_CPU if options.device == "cpu" else 512)
    n_per_class = -(-options.images // N_CLASSES)
    rendered = render_images(
        "train", options.seed, n_per_class=n_per_class, image_size=options.size
    )
    images = rendered.images.select(torch.arange(options.images))
    params = ClassifierParams(arch=options.arch, width=1)
    model = build_classifier(params, N_CLASSES, seed=options.seed).to(options.device)
    result = {"settings": vars(options), "device": describe_device(torch.device(options.device))}
    result |= measure(model, images, options)
    path = write_result(f"throughput_{options.arch}_{options.device}", result)
    for name, found in result["images_per_second"].items():
        share = result["of_forward"].get(name, {}).get("median", 1.0)
        logger.info("%-9s %8.1f images/s, %.2f of forward alone", name, found["median"], share)
    logger.info("-> %s", path)


def measure(model: Classifier, images: ImageSet, options: argparse.Namespace) -> dict[str, Any]:
    """Time the four side by side in each repeat, so that a busy machine slows all alike."""
    params = ConceptGraphParams()
    labels = torch.zeros(len(images), dtype=torch.int64)
    segments = segment_images(images.images, params.segments, params.workers)
    training = TrainingParams(epochs=1, batch_size=options.batch, precision=options.precision)

    def forward() -> None:
        predict_logits(model, images.images, options.batch, precision=options.precision)

    def train() -> None:
        loss = classification_loss(images.labels, N_CLASSES, training)
        for _ in fit(model, images, loss, params=training, seed=options.seed):
            pass

    def embed() -> None:
        embed_with_gate(
            model, images.images, labels, segments, params.gate, params.clusters,
            precision=options.precision,
        )  # fmt: skip

    def mine() -> None:
        mine_class(model, images.images, labels, params, options.seed, options.precision)

    actions = {"forward": forward, "training": train, "embedding": embed, "mining": mine}
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    # Kernels are chosen and memory is taken in a first pass that does not count.
    for action in (forward, train, embed):
        action()
    for _ in range(options.repeats):
        for name, action in actions.items():
            seconds[name].append(_timed(action, options.device))
    pairs = {name: zip(seconds["forward"], own, strict=True) for name, own in seconds.items()}
    return {
        "images_per_second": {
            name: spread([len(images) / one for one in own]) for name, own in seconds.items()
        },
        "of_forward": {
            name: spread([alone / own for alone, own in pair])
            for name, pair in pairs.items()
            if name != "forward"
        },
    }


def _timed(action: Callable[[], None], device: str) -> float:
    start = time.perf_counter()
    action()
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
