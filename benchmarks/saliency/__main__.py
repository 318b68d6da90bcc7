r"""Do clicked squares help, and do squares at random help as well?

    python -m benchmarks.saliency decoy
    python -m benchmarks.saliency decoy_all
    python -m benchmarks.saliency demo
    python -m benchmarks.saliency pets37 --pets ../shared/data/pets37 \\
        --weights ../shared/weights/squeezenet1_1_imagenet_fp16.safetensors

Low-data settings like the paper's: a tenth of the training images. Settings are fixed beforehand:
they were looked at on seeds 0 to 15 and 100, so seeds begin at 21.
A killed benchmark goes on where it was.
"""

import argparse
import logging
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import write_result
from benchmarks.saliency.arms import all_arms
from benchmarks.saliency.trial import CONFLICT, Trial, run_trial
from benchmarks.saliency.worlds import make_world
from flows.params import load_params
from models.paired import paired_t_interval
from tasks.settings import Settings, prepare_environment
from tasks.workplace import open_workplace

logger = logging.getLogger("benchmarks.saliency")
ALL = "_all"
"""Ending of settings in which people are asked about every training image."""
COMMON = (
    "channel=saliency_grid",
    "training.epochs=20",
    "saliency_grid.sampling.rounds=5",
    "saliency_grid.sampling.n_images=10",
)
SETTINGS: dict[str, tuple[str, ...]] = {
    "decoy": (
        "training.image_size=96",
        "training.epochs=80",
        "training.batch_size=16",
        "training.lr=0.003",
        "classifier.width=0.25",
        "saliency_grid.grid.cells=8",
        # Against black, flat ground has attribution of its own; against the image blurred, hardly.
        "saliency_grid.explainer.baseline=blurred",
        # From a few epochs on the patch decides. Mistakes are images that it does not decide, so it
        # is images of high entropy, whatever the answer, that are asked about.
        "saliency_grid.sampling.first_epoch=6",
        "saliency_grid.sampling.every=2",
        "saliency_grid.sampling.n_images=20",
        "saliency_grid.sampling.strategy=entropy",
        "saliency_grid.penalty.strength=3",
    ),
    "decoy_all": ("saliency_grid.sampling.n_images=32",),
    "demo": ("training.image_size=128", "classifier.width=0.35", "training.lr=0.002"),
    "pets37": (
        "training.image_size=160",
        "training.resize=squash",
        "training.lr=0.0005",
        "classifier.arch=squeezenet1_1",
        "classifier.frozen_until=features.7",
    ),
}
MEASURES = ("accuracy", CONFLICT, "loss", "minimum loss", "ece")
LOOKING = ("attribution in marked cells", "outside the object", "clicks")
BASELINE = "baseline, 10 %"


def main() -> None:
    """Run the seeds and write the result after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("world", choices=list(SETTINGS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=21)
    parser.add_argument("--pets", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--strengths", type=float, nargs="*", default=[0.1, 10.0])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    parser.add_argument("--home", type=Path, default=Path(".parley/benchmarks"))
    asked = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    logger.setLevel(logging.INFO)
    settings = Settings(home=asked.home)
    prepare_environment(settings)
    if asked.weights:
        asked.overrides.append(f"classifier.weights={asked.weights}")
    kind = asked.world.removesuffix(ALL)
    # The later one holds, where a setting is that of its world but for some.
    chosen = (*COMMON, *SETTINGS[kind], *SETTINGS[asked.world])
    params = load_params(None, (*chosen, *asked.overrides))
    arms = all_arms(has_clean=kind == "decoy", strengths=tuple(asked.strengths))
    trials: dict[int, Trial] = {}
    for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
        folders = make_world(kind, seed, asked.home / "worlds", asked.pets)
        trials[seed] = run_trial(open_workplace(settings), folders, params, arms, seed)
        logger.info(
            "seed %d: %s",
            seed,
            {
                arm: {name: round(value, 3) for name, value in found.items()}
                for arm, found in trials[seed].scores.items()
            },
        )
        result = summarise(trials)
        used = params.model_dump(mode="json", exclude={"data"})
        used["classifier"]["weights"] = asked.weights.name if asked.weights else None
        result["settings"] = {"world": asked.world, "seeds": sorted(trials), "params": used}
        write_result(f"saliency_{asked.world}", result)


def summarise(trials: Mapping[int, Trial]) -> dict[str, Any]:
    """Describe all finished seeds.

    Args:
        trials: Results by seed.

    Returns:
        ``table`` for the README, ``arms``, ``paired`` differences from the baseline and from random
        squares with 95 % intervals, and the ``facts`` of every seed.
    """
    seeds = sorted(trials)
    known = trials[seeds[0]].scores[BASELINE]
    measures = [name for name in MEASURES if name in known]
    arms = {
        arm: {name: [trials[s].scores[arm][name] for s in seeds] for name in measures}
        for arm in trials[seeds[0]].scores
    }
    rows = [
        [arm, *(_cell(values[name]) for name in measures), *_looking(arm, trials)]
        for arm, values in arms.items()
    ]
    forms = ("squared", "difference", "linear")
    references = (BASELINE, *(f"random squares, {form}, 10 %" for form in forms))
    paired = [
        {"arm": arm, "against": reference, "measure": name, **_paired(values[name], base[name])}
        for arm, values in arms.items()
        for reference, base in ((name, arms[name]) for name in references)
        for name in measures
        if arm != reference and len(seeds) > 1
    ]
    return {
        "table": {"header": [f"{len(seeds)} seeds", *measures, *LOOKING], "rows": rows},
        "arms": arms,
        "came_back": _came_back(arms),
        "paired": paired,
        "facts": {str(seed): trials[seed].facts for seed in seeds},
    }


def _looking(arm: str, trials: Mapping[int, Trial]) -> list[str]:
    """Return shares of attribution on marked images before and after, and clicks spent."""
    facts = [trial.facts[arm] for trial in trials.values() if arm in trial.facts]
    if not facts:
        return ["–"] * len(LOOKING)
    shares = [
        " → ".join(
            f"{statistics.fmean(one[f'{subject}.{share}'] for one in facts):.2f}"
            for subject in ("original", "marked_squares")
        )
        for share in ("marked_share", "outside_share")
    ]
    return [*shares, f"{statistics.fmean(one['clicks'] for one in facts):.0f}"]


def _came_back(arms: Mapping[str, Mapping[str, list[float]]]) -> dict[str, float]:
    """Return the share of the mean accuracy lost to the patch that each arm has back."""
    clean = arms.get("without the patch, 10 %")
    if clean is None:
        return {}
    base = statistics.fmean(arms[BASELINE]["accuracy"])
    lost = statistics.fmean(clean["accuracy"]) - base
    return {
        arm: (statistics.fmean(values["accuracy"]) - base) / lost
        for arm, values in arms.items()
        if lost > 0
    }


def _paired(first: list[float], second: list[float]) -> dict[str, float]:
    found = paired_t_interval([a - b for a, b in zip(first, second, strict=True)])
    return {"mean": found.mean, "low": found.low, "high": found.high, "p_value": found.p_value}


def _cell(values: list[float]) -> str:
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.3f}{spread}"


if __name__ == "__main__":
    main()
