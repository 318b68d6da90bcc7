"""Means over seeds and paired differences, each seed with its own images."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.correction.arms import all_arms, by_transfer, teachers_of
from benchmarks.correction.trial import Scores, Trial
from models.paired import paired_t_interval

GROUPS = ("conflict", "clean", "edited", "others", "all")
PAIRS = (
    ("edited, pool", "original"),
    ("edited, pool", "unmodified, pool"),
    ("edited, pool", "unmodified with copies, pool"),
    ("edited, pool", "self-training, pool"),
    ("edited, pool", "random, pool"),
    ("edited, pool", "edited, labels shuffled, pool"),
    ("unmodified with copies, pool", "original"),
    ("unmodified with copies, pool", "unmodified, pool"),
    ("edited, both", "original"),
    ("edited, both", "unmodified, both"),
    ("edited, both", "self-training, both"),
    ("edited, both", "random, both"),
    ("edited, train", "original"),
    ("edited, train", "unmodified, train"),
    ("edited, train", "random, train"),
    ("edited, paper's form, train", "original"),
    ("edited, paper's form, train", "unmodified, paper's form, train"),
    ("edited, paper's form, pool", "original"),
    ("edited, both + blank", "original"),
    ("edited, both + blank", "hard labels + blank"),
    ("edited, both + transplant", "original"),
    ("edited, both + transplant", "hard labels + transplant"),
    ("hard labels + blank", "original"),
    ("hard labels + blank", "hard labels"),
    ("hard labels + transplant", "original"),
    ("hard labels + transplant", "hard labels"),
)
DRAWN = (("edited, pool", "random, pool"), ("edited, both", "random, both"))
"""Arms whose place among the random draws of their seed is counted."""

Summary = dict[str, dict[str, dict[str, Any]]]


def summarise(trials: Mapping[int, Trial]) -> dict[str, Any]:
    """Describe all finished seeds, by the arms that every one of them has.

    Args:
        trials: Results by seed.

    Returns:
        ``table``, ``differences`` and ``teachers`` for the README, ``arms`` with means, deviations
        and values, ``paired`` differences with 95 % intervals and p-values, and ``drawn``: how many
        random draws were worse than the edit in the same seed.
    """
    of_seeds = [trials[seed] for seed in sorted(trials)]
    names = ["original", *(arm.name for arm in by_transfer(all_arms(1)))]
    arms = _summary([trial.scores for trial in of_seeds], names)
    groups = [group for group in GROUPS if all(group in scores for scores in arms.values())]
    if "conflict" not in groups:
        # Every image is clean; one name for it is enough.
        groups.remove("clean")
    paired = [
        found
        for first, second in PAIRS
        for group in groups
        if (found := _difference(arms, first, second, group)) is not None
    ]
    names = ["classifier", *(teacher.name for teacher in teachers_of(all_arms(1)))]
    teachers = _summary([trial.teachers for trial in of_seeds], names)
    seeds = f"{len(of_seeds)} seeds" if len(of_seeds) > 1 else "one seed"
    columns = [
        column
        for column in ("background", "validation", *groups)
        if any(column in scores for scores in teachers.values())
    ]
    return {
        "table": _table(arms, seeds, groups),
        "teachers": _table(teachers, seeds, columns),
        "differences": _differences_table(paired, groups),
        "arms": arms,
        "paired": paired,
        "drawn": [
            {"arm": arm, "against": random, "group": group} | _place(of_seeds, arm, random, group)
            for arm, random in DRAWN
            if arm in arms and random in arms
            for group in groups
        ],
    }


def _summary(by_seed: Sequence[Scores], names: Sequence[str]) -> Summary:
    """Summarise what every seed has, in the order of names; draws of a seed are averaged first."""
    return {
        name: _of_one([scores[name] for scores in by_seed])
        for name in names
        if all(name in scores for scores in by_seed)
    }


def _of_one(by_seed: Sequence[Sequence[Mapping[str, float]]]) -> dict[str, dict[str, Any]]:
    result: dict[str, dict[str, Any]] = {}
    rows = [row for draws in by_seed for row in draws]
    for group in rows[0]:
        if any(group not in row for row in rows):
            continue
        values = [statistics.fmean(draw[group] for draw in draws) for draws in by_seed]
        every = [row[group] for row in rows]
        result[group] = {
            "mean": statistics.fmean(values),
            "deviation": statistics.stdev(values) if len(values) > 1 else None,
            "values": values,
            "n_draws": len(every),
            "draw_min": min(every),
            "draw_max": max(every),
        }
    return result


def _table(found: Summary, title: str, groups: Sequence[str]) -> dict[str, Any]:
    """Lay out means by group; a dash where a row has no such number."""
    rows = [
        [
            name + _draws(scores),
            *(_cell(scores[group]) if group in scores else "–" for group in groups),
        ]
        for name, scores in found.items()
    ]
    return {"header": [title, *groups], "rows": rows}


def _draws(scores: Mapping[str, Mapping[str, Any]]) -> str:
    """Say over how many draws a row is a mean, where there are more than seeds."""
    first = next(iter(scores.values()))
    drawn, seeds = first["n_draws"], len(first["values"])
    return "" if drawn == seeds else f" ({drawn} draws)"


def _cell(score: Mapping[str, Any]) -> str:
    """Write a mean, its deviation where there are seeds to deviate, and the range of draws."""
    text = f"{score['mean']:.3f}"
    if score["deviation"] is not None:
        text += f" ± {score['deviation']:.3f}"
    if score["n_draws"] > len(score["values"]):
        text += f" ({score['draw_min']:.2f} to {score['draw_max']:.2f})"
    return text


def _differences_table(
    paired: Sequence[Mapping[str, Any]], groups: Sequence[str]
) -> dict[str, Any]:
    """Lay out paired differences in points, bold where the interval leaves out 0."""
    rows: dict[str, list[str]] = {}
    for row in paired:
        low, high = (100 * row[end] for end in ("low", "high"))
        text = f"{100 * row['mean']:+.1f} [{low:+.1f}, {high:+.1f}]"
        beyond = low > 0 or high < 0
        cells = rows.setdefault(f"{row['arm']} − {row['against']}", [])
        cells.append(f"**{text}**" if beyond else text)
    return {
        "header": ["points, 95 % interval over seeds", *groups],
        "rows": [[name, *cells] for name, cells in rows.items()],
    }


def _difference(arms: Summary, first: str, second: str, group: str) -> dict[str, Any] | None:
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


def _place(trials: Sequence[Trial], arm: str, random: str, group: str) -> dict[str, int]:
    """Count the random draws that were worse than the edit in the same seed, and those as good."""
    pairs = [
        (trial.scores[arm][0][group], draw[group])
        for trial in trials
        for draw in trial.scores[random]
    ]
    return {
        "draws": len(pairs),
        "worse": sum(edited > drawn for edited, drawn in pairs),
        "equal": sum(edited == drawn for edited, drawn in pairs),
    }
