r"""Does a reviewer's correction work, and does anything simpler work as well?

    python -m benchmarks.correction demo --first-seed 11
    python -m benchmarks.correction pets37_planted --pets ../shared/data/pets37 \\
        --weights ../shared/weights/squeezenet1_1_imagenet_fp16.safetensors
    python -m benchmarks.correction pets37_natural ...

About ten minutes a seed on one core. Settings are those of ``params.yaml`` and
``benchmarks/correction/pets37.yaml``, fixed beforehand; seeds on which they were chosen are never
among the seeds (0 everywhere; of the demo 1 to 3 as well, see docs/decisions/0020). A killed
benchmark goes on where it was.
"""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from benchmarks.correction.arms import all_arms
from benchmarks.correction.settings import describe_params, world_params
from benchmarks.correction.summary import summarise
from benchmarks.correction.trial import Trial, run_trial
from benchmarks.correction.worlds import make_world
from benchmarks.report import write_result
from tasks.settings import Settings, prepare_environment
from tasks.workplace import open_workplace

logger = logging.getLogger("benchmarks.correction")


def main() -> None:
    """Run the seeds and write the result after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("world", choices=["demo", "pets37_planted", "pets37_natural"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--random-draws", type=int, default=2, help="random edits per seed")
    parser.add_argument("--pets", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    parser.add_argument("--home", type=Path, default=Path(".parley/benchmarks"))
    asked = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    logger.setLevel(logging.INFO)
    settings = Settings(home=asked.home)
    prepare_environment(settings)
    params = world_params(asked.world, asked.weights, asked.overrides)
    arms = all_arms(asked.random_draws)
    trials: dict[int, Trial] = {}
    for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
        folder = make_world(asked.world, seed, asked.home / "worlds", asked.pets)
        trials[seed] = run_trial(open_workplace(settings), folder, params, arms, seed)
        scores = trials[seed].scores
        logger.info(
            "seed %d: conflict %s",
            seed,
            {k: round(v[0].get("conflict", 0), 3) for k, v in scores.items()},
        )
        result: dict[str, Any] = summarise(trials)
        result["settings"] = {
            "world": asked.world,
            "seeds": sorted(trials),
            "random_draws": asked.random_draws,
            "params": describe_params(params),
        }
        write_result(f"correction_{asked.world}", result)


if __name__ == "__main__":
    main()
