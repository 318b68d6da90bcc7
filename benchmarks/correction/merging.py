"""Arms added to seeds that were measured before, if these seeds still come out as they did.

A seed is measured in pieces only where the pieces belong together: the same settings, and
everything that both have, to the last bit. Another processor or another version of a library may
round otherwise; then the seed is measured anew as a whole.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.correction.arms import Arm
from benchmarks.correction.settings import deciding_params, describe_params
from benchmarks.correction.trial import Trial
from feedback.errors import ArtifactError, ParamsError
from flows.params import PipelineParams


def dump_trials(trials: Mapping[int, Trial]) -> dict[str, Any]:
    """Return all that was found, by seed, as it is kept in a result."""
    return {str(seed): asdict(trial) for seed, trial in sorted(trials.items())}


def load_trials(path: Path, params: PipelineParams) -> dict[int, Trial]:
    """Return the trials of an earlier result; none when there is no such file.

    Args:
        path: The result's file.
        params: The settings of now.

    Raises:
        ParamsError: If that result was measured with other settings.
    """
    if not path.exists():
        return {}
    result = json.loads(path.read_text(encoding="utf-8"))["result"]
    then = deciding_params(result["settings"]["params"])
    now = deciding_params(describe_params(params))
    if then != now:
        names = ", ".join(sorted(name for name in now if then[name] != now[name]))
        raise ParamsError(
            f"expected the settings of {path.name} (got others in {names}); measure all seeds anew "
            "without --add"
        )
    return {int(seed): Trial(**found) for seed, found in result["trials"].items()}


def complete_arms(known: Trial, arms: Sequence[Arm]) -> frozenset[str]:
    """Return the names of the arms of which a trial has as many draws as are wanted now."""
    wanted = Counter(arm.name for arm in arms)
    return frozenset(name for name, n in wanted.items() if len(known.scores.get(name, ())) >= n)


def check_reproduces(known: Trial, found: Trial) -> None:
    """Refuse to add to a seed that does not come out as it did.

    Args:
        known: What was found before.
        found: What is found now; what it lacks as yet is not compared.

    Raises:
        ArtifactError: If any number that both have differs.
    """
    for what, then, now in (
        ("arm", known.scores, found.scores),
        ("teacher", known.teachers, found.teachers),
    ):
        for name in then.keys() & now.keys():
            # Of draws there may be more now; the first ones are the same.
            for before, after in zip(then[name], now[name], strict=False):
                _check_equal(f"{what} {name!r}", before, after)
    _check_equal("the trial", known.facts, found.facts)


def merge(known: Trial, found: Trial) -> Trial:
    """Return a trial with all arms, those found now in place of fewer draws found before."""
    return Trial(
        scores=known.scores | found.scores,
        teachers=known.teachers | found.teachers,
        facts=known.facts | found.facts,
        seconds=known.seconds | found.seconds,
    )


def _check_equal(whose: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for name in sorted(then.keys() & now.keys()):
        if isinstance(then[name], Mapping):
            _check_equal(whose, then[name], now[name])
        elif then[name] != now[name]:
            raise ArtifactError(
                f"expected {name} of {whose} to come out as before, {then[name]} "
                f"(got {now[name]}); measure this seed anew as a whole, without --add"
            )
