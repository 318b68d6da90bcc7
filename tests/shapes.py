"""A dataset so small that a whole run on it takes seconds: coloured shapes with their masks."""

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("bars", "discs", "squares")
N_TRAIN, N_TEST, N_POOL, SIDE = 10, 4, 6, 64
GROUND = {"bars": (60, 90, 160), "discs": (60, 140, 70), "squares": (150, 120, 60)}
COLOUR = {"bars": (220, 60, 50), "discs": (230, 200, 70), "squares": (200, 80, 200)}

# What a run needs so that it takes seconds; the accuracy it reaches means nothing.
TINY = {
    "classifier.width": "0.125",
    "classifier.concept_layer": "layer2",
    "training.image_size": "64",
    "training.epochs": "2",
    "training.batch_size": "8",
    "training.validation_share": "0.4",
    "distillation.seeds": "1",
    "distillation.epochs": "1",
    "distillation.batch_size": "16",
    "promotion.n_bootstrap": "100",
    "review.poll_seconds": "0.05",
    "concept_graph.n_classes": "2",
    "concept_graph.workers": "1",
    "concept_graph.segments.n_segments": "[9, 16]",
    "concept_graph.gate.enabled": "false",
    "concept_graph.clusters.n_clusters": "4",
    "concept_graph.clusters.min_segments": "2",
    "concept_graph.clusters.n_exemplars": "3",
    "concept_graph.tcav.n_random": "3",
    "concept_graph.tcav.random_size": "8",
    "concept_graph.graph.n_concepts": "2",
    "concept_graph.reasoner.node_dims": "[8]",
    "concept_graph.reasoner.edge_dims": "[2]",
    "concept_graph.reasoner.epochs": "3",
    "concept_graph.reasoner.n_seeds": "1",
    "concept_graph.reasoner.publish_anyway": "true",
}


def tiny_overrides(**changes: str) -> tuple[str, ...]:
    """Return ``--set`` values of a tiny run; ``concept_graph__n_classes`` stands for dots."""
    values = TINY | {key.replace("__", "."): value for key, value in changes.items()}
    return tuple(f"{key}={value}" for key, value in values.items())


def write_shapes(root: Path, *, classes: tuple[str, ...] = CLASSES, seed: int = 0) -> Path:
    """Write train, test, pool and masks below ``root``."""
    rng = np.random.default_rng(seed)
    for name in classes:
        for split, count in (("train", N_TRAIN), ("test", N_TEST)):
            for i in range(count):
                _write(root, f"{split}/{name}/{i:02d}.png", name, rng)
    for i in range(N_POOL):
        _write(root, f"pool/{i:02d}.png", classes[i % len(classes)], rng)
    return root


def _write(root: Path, path: str, name: str, rng: np.random.Generator) -> None:
    y, x = np.mgrid[:SIDE, :SIDE]
    cy, cx, r = rng.integers(24, 40), rng.integers(24, 40), rng.integers(12, 20)
    dy, dx = np.abs(y - cy), np.abs(x - cx)
    mask = {
        "bars": (dy < r / 3) & (dx < r),
        "discs": dy**2 + dx**2 < r**2,
        "squares": (dy < r) & (dx < r),
    }[name]
    image = np.where(mask[..., None], COLOUR[name], GROUND[name]).astype(float)
    image += rng.normal(0, 12, image.shape)
    image[: SIDE // 4] *= 0.6
    picture = Image.fromarray(image.clip(0, 255).astype(np.uint8))
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    picture.save(root / path)
    mask_path = root / "masks" / path
    mask_path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.where(mask, 1, 2).astype(np.uint8)).save(mask_path)
