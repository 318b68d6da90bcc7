r"""From which cosine on is a concept of an earlier run and one of this run the same?

    python -m benchmarks.carrying --first-seed 11
    python -m benchmarks.carrying --data ../shared/data/pets37 \\
        --weights ../shared/weights/squeezenet1_1_imagenet_fp16.safetensors

Measures what ``concept_graph.carry_over.min_similarity`` decides. Trains a network per seed and
mines its concepts, about three minutes a seed on one core; what the home holds already, such as
seeds of ``benchmarks.correction``, is taken from there. One half of a concept's exemplars stands
for the concept of then, the other half for that of now, and the network of the next seed sees both:
in shrunk images, as bundles keep them, and for comparison at full size. So it asks whether the same
cluster is known again, not how another mining cuts the clusters.
"""

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.correction.preparing import Prepared, open_world, prepare
from benchmarks.correction.settings import describe_params, world_params
from benchmarks.correction.worlds import Kind, make_world
from benchmarks.halves import similarities_as_kept, similarities_at_full_size
from benchmarks.report import write_result
from benchmarks.twins import count_twins, quantiles, same_and_best_other, total
from tasks.channels.concept_graph.mining import load_bank
from tasks.channels.concept_graph.segmenting import load_universe
from tasks.classifier import load_classifier
from tasks.settings import Settings, prepare_environment
from tasks.stage import Work
from tasks.workplace import Workplace, open_workplace

logger = logging.getLogger("benchmarks.carrying")

THRESHOLDS = tuple(step / 100 for step in range(50, 100, 5))
COLUMNS = {
    "concepts": "concepts",
    "right": "right pair",
    "wrong": "wrong pair",
    "unmatched": "no pair",
    "mistaken": "gone, another taken",
}


def main() -> None:
    """Prepare the seeds, measure every bank and write ``results/carrying_<world>.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="pets37; coloured shapes are rendered without")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    parser.add_argument("--home", type=Path, default=Path(".parley/benchmarks"))
    asked = parser.parse_args()
    if asked.seeds < 2:
        parser.error(f"expected two seeds, to see each other's concepts (got {asked.seeds})")
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    logger.setLevel(logging.INFO)
    settings = Settings(home=asked.home)
    prepare_environment(settings)
    world: Kind = "demo" if asked.data is None else "pets37_natural"
    params = world_params(world, asked.weights, asked.overrides)
    workplace = open_workplace(settings)
    prepared: dict[int, Prepared] = {}
    for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
        folder = make_world(world, seed, asked.home / "worlds", asked.data)
        prepared[seed] = prepare(workplace, *open_world(workplace, folder, params), seed)
        logger.info("seed %d is prepared", seed)
    result = measure_banks(workplace, prepared)
    result["table"] = make_table("shapes" if world == "demo" else "photographs", result["totals"])
    result["settings"] = {
        "world": world,
        "seeds": sorted(prepared),
        "params": describe_params(params),
    }
    write_result(f"carrying_{world}", result)


def measure_banks(workplace: Workplace, prepared: Mapping[int, Prepared]) -> dict[str, Any]:
    """Let the network of every seed look at the concepts of the seed before.

    Args:
        workplace: Where the stages ran.
        prepared: Networks and concepts by seed, two at least.

    Returns:
        What ``describe`` says of every bank's classes, and the ``totals`` over all of them, each by
        how exemplars were seen.
    """
    seeds = sorted(prepared)
    banks: list[dict[str, Any]] = []
    everything: dict[str, list[Tensor]] = {}
    for mined_by, seen_by in zip(seeds, [*seeds[1:], seeds[0]], strict=True):
        names = prepared[mined_by].basis.dataset.classes
        found = _similarities(workplace, prepared[mined_by], prepared[seen_by])
        for view, by_class in found.items():
            everything.setdefault(view, []).extend(by_class.values())
            classes = {names[class_id]: describe([alike]) for class_id, alike in by_class.items()}
            banks.append({"mined_by": mined_by, "seen_by": seen_by, "view": view} | classes)
        logger.info("the concepts of seed %d are seen by the network of %d", mined_by, seen_by)
    return {"banks": banks, "totals": {view: describe(s) for view, s in everything.items()}}


def describe(similarities: Sequence[Tensor]) -> dict[str, Any]:
    """Return counts at every threshold and quantiles of the cosines, over several classes.

    Args:
        similarities: Cosines (n, n) of each class; row i and column i are the same concept.
    """
    cosines = [same_and_best_other(alike) for alike in similarities]
    return {
        "cosine_same": quantiles(torch.cat([same for same, _ in cosines])),
        "cosine_best_other": quantiles(torch.cat([other for _, other in cosines])),
        "thresholds": {
            f"{at:.2f}": total(count_twins(alike, at) for alike in similarities).to_json()
            for at in THRESHOLDS
        },
    }


def make_table(images: str, totals: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return one row per threshold and view, counts over all classes and banks.

    Args:
        images: What the images are.
        totals: What ``measure_banks`` found.
    """
    return {
        "header": ["images", "seen", "cosine at least", *COLUMNS.values()],
        "rows": [
            [images, view, at, *(str(counts[name]) for name in COLUMNS)]
            for view, found in totals.items()
            for at, counts in found["thresholds"].items()
        ],
    }


def _similarities(
    workplace: Workplace, then: Prepared, now: Prepared
) -> dict[str, dict[int, Tensor]]:
    work = Work(
        workplace.artifacts, Path(), workplace.cache_folder(), workplace.progress("carrying")
    )
    universe, bank = load_universe(work, then.basis), load_bank(work, then.concepts)
    model = load_classifier(work.artifacts, now.basis.classifier).to(work.device())
    images, segments = universe.images.images, universe.segments
    size = now.basis.training.image_size
    return {
        "as kept": similarities_as_kept(model, images, segments, bank, size),
        "at full size": similarities_at_full_size(model, images, segments, bank),
    }


if __name__ == "__main__":
    main()
