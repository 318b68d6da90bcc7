"""Stage: the arms compared on the test images, and the promotion rule's verdict."""

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from models.params import PromotionParams
from tasks.arms import Arms
from tasks.channels.concept_graph.basis import Basis
from tasks.comparing import compare
from tasks.stage import StageResult, Work, stage

TITLES = (
    ("original", "original"),
    ("unmodified_graph", "distilled, unmodified graphs"),
    ("edited_graph", "distilled, edited graphs"),
)
"""The arms by what people call them."""


@task(name="compare-arms", cache_policy=NO_CACHE)
@stage("compare_arms", version=2)
def compare_arms(
    work: Work,
    *,
    basis: Basis,
    students: dict[str, list[StageResult]],
    params: PromotionParams,
    seed: int,
) -> dict[str, JsonValue]:
    """Compare original and students on the test images, image by image.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        students: One result of ``distil`` per seed, by arm.
        params: Promotion rule and intervals.
        seed: Seed of the bootstrap.

    Returns:
        What ``tasks.comparing`` found, and the verdict; one output per figure.
    """
    from models.promotion import decide_promotion

    logits = {"original": [work.load_tensors(basis.predictions, "logits")["test"]]}
    for arm, results in students.items():
        logits[arm] = [work.load_tensors(result, "test_logits")["logits"] for result in results]
    found = compare(
        work,
        dataset=basis.dataset,
        training=basis.training,
        arms=Arms(titles=TITLES, class_ids=basis.class_ids),
        logits=logits,
        params=params,
        seed=seed,
    )
    verdict = decide_promotion(
        found.differences["edited_graph", "original", "edited_classes"],
        found.differences.get(("edited_graph", "original", "other_classes")),
        found.differences["edited_graph", "unmodified_graph", "edited_classes"],
        params,
    )
    return {**found.facts, "promote": verdict.promote, "reasons": list(verdict.reasons)}
