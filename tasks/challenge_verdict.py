"""What a candidate's comparison with the champion adds to its evaluation."""

from dataclasses import replace

from pydantic import JsonValue

from models.challenge import decide_challenge
from models.paired import PairedDifference
from models.params import PromotionParams
from tasks.evaluation import Evaluation
from tasks.records import Metric, Record
from tasks.stage import StageResult


def with_challenge(
    evaluation: Evaluation, compared: StageResult, champion: str, params: PromotionParams
) -> Evaluation:
    """Add the condition about the champion to the channel's verdict, and its numbers.

    Args:
        evaluation: What the channel found.
        compared: Stage ``challenge_champion``.
        champion: The champion's version.
        params: Promotion rule.

    Returns:
        The evaluation, promoting only if this holds as well.
    """
    obstacle = compared.facts.get("obstacle")
    if obstacle is not None:
        return unchallenged(evaluation, champion, str(obstacle))
    accuracy, bounds = _numbers(compared, "accuracy"), _numbers(compared, "difference")
    difference = PairedDifference(
        mean=bounds["mean"],
        low=bounds["low"],
        high=bounds["high"],
        p_value=bounds["p_value"],
        confidence=bounds["confidence"],
        n_seeds=int(bounds["n_seeds"]),
        n_images=int(bounds["n_images"]),
    )
    shared, known = int(compared.number("classes")), int(compared.number("known"))
    criterion = decide_challenge(difference, f"version {champion}", shared, known, params)
    told: dict[str, JsonValue] = {
        "version": champion,
        "classes": shared,
        **accuracy,
        # A sum over classes of what is exactly 1 may end a rounding error above it.
        **{name: min(1.0, max(-1.0, bounds[name])) for name in ("mean", "low", "high")},
        "p_value": bounds["p_value"],
    }
    return replace(
        evaluation,
        promote=evaluation.promote and criterion.passed,
        reasons=(*evaluation.reasons, criterion.text),
        report=evaluation.report | {"challenge": told},
    )


def unchallenged(evaluation: Evaluation, champion: str, why: str) -> Evaluation:
    """Refuse since the champion cannot be compared with: it may be better than the candidate.

    Args:
        evaluation: What the channel found.
        champion: The champion's version.
        why: What stands in the way.
    """
    reason = (
        f"Refused: the candidate could not be compared with the champion, version {champion}: "
        f"{why}. Run again once that is mended; promotion.champion_band=1 replaces it uncompared."
    )
    return replace(evaluation, promote=False, reasons=(*evaluation.reasons, reason))


def challenge_records(compared: StageResult) -> list[Record]:
    """Return the numbers of a comparison with the champion, for tracking."""
    if "obstacle" in compared.facts:
        return []
    bounds = _numbers(compared, "difference")
    return [
        Metric("champion.accuracy", _numbers(compared, "accuracy")["champion"]),
        *(Metric(f"champion.difference.{name}", bounds[name]) for name in ("mean", "low", "high")),
    ]


def _numbers(compared: StageResult, name: str) -> dict[str, float]:
    found = compared.facts[name]
    return {key: float(str(one)) for key, one in found.items()} if isinstance(found, dict) else {}
