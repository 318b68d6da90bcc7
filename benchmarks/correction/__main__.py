r"""Does a reviewer's correction work, and does anything simpler work as well?

    python -m benchmarks.correction demo
    python -m benchmarks.correction pets37_planted --pets ../shared/data/pets37 \\
        --weights ../shared/weights/squeezenet1_1_imagenet_fp16.safetensors
    python -m benchmarks.correction pets37_natural ...

About 18 minutes a seed on one core, more than half of them for the 32 students. Settings are those
of ``params.yaml`` and ``benchmarks/correction/pets37.yaml``, fixed beforehand; seeds on which they
were chosen are never among the seeds (0 to 5, 101 and 102, see docs/decisions/0020), which begin
at 11. A killed benchmark goes on where it was. ``--add`` keeps the arms that the
committed result has of a seed and tries only those that it lacks, if what both have comes out as
before to the last bit; ``--add --seeds 0`` writes the tables of what there is.
"""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from benchmarks.correction.arms import all_arms
from benchmarks.correction.merging import (
    check_reproduces,
    complete_arms,
    dump_trials,
    load_trials,
    merge,
)
from benchmarks.correction.settings import describe_params, world_params
from benchmarks.correction.summary import summarise
from benchmarks.correction.trial import Trial, run_trial
from benchmarks.correction.worlds import make_world
from benchmarks.report import RESULTS, write_result
from flows.params import PipelineParams
from tasks.settings import Settings, prepare_environment
from tasks.workplace import open_workplace

logger = logging.getLogger("benchmarks.correction")


def main() -> None:
    """Run the seeds and write the result after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("world", choices=["demo", "pets37_planted", "pets37_natural"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=11)
    parser.add_argument("--random-draws", type=int, default=10, help="random edits per seed")
    parser.add_argument("--add", action="store_true", help="add to the seeds measured before")
    parser.add_argument("--pets", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    parser.add_argument("--home", type=Path, default=Path(".parley/benchmarks"))
    asked = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    logger.setLevel(logging.INFO)
    prepare_environment(Settings(home=asked.home))
    params = world_params(asked.world, asked.weights, asked.overrides)
    trials: dict[int, Trial] = {}
    if asked.add:
        trials = load_trials(RESULTS / f"correction_{asked.world}.json", params)
        if asked.seeds == 0:
            _write(asked, params, trials)
    for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
        found = _measure(asked, params, seed, trials.get(seed, Trial()))
        if asked.add:
            # Another process may have added a seed meanwhile.
            trials = load_trials(RESULTS / f"correction_{asked.world}.json", params)
        trials[seed] = found
        logger.info(
            "seed %d: conflict %s",
            seed,
            {k: round(v[0].get("conflict", 0), 3) for k, v in found.scores.items()},
        )
        _write(asked, params, trials)


def _measure(asked: argparse.Namespace, params: PipelineParams, seed: int, known: Trial) -> Trial:
    """Try the arms that a seed lacks."""
    arms = all_arms(asked.random_draws)
    found = run_trial(
        open_workplace(Settings(home=asked.home)),
        make_world(asked.world, seed, asked.home / "worlds", asked.pets),
        params,
        arms,
        seed,
        left_out=complete_arms(known, arms),
        check=lambda found: check_reproduces(known, found),
    )
    return merge(known, found)


def _write(asked: argparse.Namespace, params: PipelineParams, trials: dict[int, Trial]) -> None:
    result: dict[str, Any] = summarise(trials)
    result["trials"] = dump_trials(trials)
    result["settings"] = {
        "world": asked.world,
        "seeds": sorted(trials),
        "random_draws": asked.random_draws,
        "params": describe_params(params),
    }
    write_result(f"correction_{asked.world}", result)


if __name__ == "__main__":
    main()
