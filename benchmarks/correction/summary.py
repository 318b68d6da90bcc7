"""Means over seeds and paired differences, each seed with its own images."""

import statistics
from collections.abc import Mapping
from typing import Any

from benchmarks.correction.trial import Trial
from models.paired import paired_t_interval

GROUPS = ("conflict", "clean", "others", "all")
PAIRS = (
    ("edited, pool", "original"),
    ("edited, pool", "unmodified, pool"),
    ("edited, pool", "self-training, pool"),
    ("edited, pool", "random, pool"),
    ("edited, both", "original"),
    ("edited, both", "unmodified, both"),
    ("edited, both", "self-training, both"),
    ("edited, both + blank", "original"),
    ("edited, both + transplant", "original"),
    ("hard labels + blank", "original"),
    ("hard labels + transplant", "original"),
)


def summarise(trials: Mapping[int, Trial]) -> dict[str, Any]:
    """Describe all finished seeds.

    Args:
        trials: Results by seed.

    Returns:
        ``table`` for the README, ``arms`` with means, deviations and values, ``paired``
        differences with 95 % intervals and p-values, and the ``facts`` of every seed.
    """
    seeds = sorted(trials)
    arms = {
        arm: _arm([trials[seed].scores[arm] for seed in seeds]) for arm in trials[seeds[0]].scores
    }
    groups = [group for group in GROUPS if all(group in scores for scores in arms.values())]
    header = [f"{len(seeds)} seeds" if len(seeds) > 1 else "one seed", *groups]
    rows = [[arm, *(_cell(scores[group]) for group in groups)] for arm, scores in arms.items()]
    return {
        "table": {"header": header, "rows": rows},
        "arms": arms,
        "paired": [
            found
            for first, second in PAIRS
            for group in groups
            if (found := _difference(arms, first, second, group)) is not None
        ],
        "facts": {str(seed): trials[seed].facts for seed in seeds},
    }


def _arm(by_seed: list[list[dict[str, float]]]) -> dict[str, dict[str, Any]]:
    """Summarise one arm; draws of a seed are averaged first, and their own spread is kept."""
    result: dict[str, dict[str, Any]] = {}
    for group in by_seed[0][0]:
        values = [statistics.fmean(draw[group] for draw in draws) for draws in by_seed]
        every = [draw[group] for draws in by_seed for draw in draws]
        result[group] = {
            "mean": statistics.fmean(values),
            "deviation": statistics.stdev(values) if len(values) > 1 else None,
            "values": values,
            "n_draws": len(every),
            "draw_min": min(every),
            "draw_max": max(every),
        }
    return result


def _cell(score: Mapping[str, Any]) -> str:
    """Write a mean, with its deviation only where there are seeds to deviate."""
    deviation = score["deviation"]
    return f"{score['mean']:.3f}" + ("" if deviation is None else f" ± {deviation:.3f}")


def _difference(
    arms: Mapping[str, Mapping[str, Any]], first: str, second: str, group: str
) -> dict[str, Any] | None:
    if first not in arms or second not in arms:
        return None
    pairs = zip(arms[first][group]["values"], arms[second][group]["values"], strict=True)
    differences = [a - b for a, b in pairs]
    if len(differences) < 2:
        return None
    found = paired_t_interval(differences)
    return {
        "arm": first,
        "against": second,
        "group": group,
        "mean": found.mean,
        "low": found.low,
        "high": found.high,
        "p_value": found.p_value,
    }
