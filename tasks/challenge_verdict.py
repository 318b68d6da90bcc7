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
        The evaluation, promoting only if this holds as well. A champion that cannot be compared
        with refuses: nobody knows whether the candidate is worse.
    """
    obstacle = compared.facts.get("obstacle")
    if obstacle is not None:
        reason = (
            f"Refused: the candidate could not be compared with the champion, version {champion}: "
            f"{obstacle}; set promotion.champion_band to 1 to let it take its place all the same."
        )
        return replace(evaluation, promote=False, reasons=(*evaluation.reasons, reason))
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
    criterion = decide_challenge(difference, f"version {champion}", params)
    told: dict[str, JsonValue] = {
        "version": champion,
        "classes": compared.facts["classes"],
        **accuracy,
        **{name: bounds[name] for name in ("mean", "low", "high", "p_value")},
    }
    return replace(
        evaluation,
        promote=evaluation.promote and criterion.passed,
        reasons=(*evaluation.reasons, criterion.text),
        report=evaluation.report | {"challenge": told},
    )


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
