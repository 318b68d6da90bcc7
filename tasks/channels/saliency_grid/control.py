"""Stage: the control of marked squares, as many squares at random."""

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from tasks.channels.saliency_grid.banking import load_marks
from tasks.stage import StageResult, Work, stage


@task(name="draw-random-marks", cache_policy=NO_CACHE)
@stage("draw_random_marks", version=1)
def draw_random_marks(work: Work, *, bank: StageResult, seed: int) -> dict[str, JsonValue]:
    """Move the marks of every image to cells drawn at random, the same ones in every round.

    Args:
        work: What the stage may touch.
        bank: Marks of reviewers.
        seed: Seed of the draw.

    Returns:
        Number of images; output ``marks``.
    """
    import torch

    from models.saliency_grid.control import random_weights

    marks: list[JsonValue] = []
    for mark in load_marks(work, bank):
        if isinstance(mark, dict):
            # From the image, not its place in the bank, which later rounds change.
            own = int(str(mark["image"])[:15], 16) + seed
            weights = torch.tensor(mark["weights"], dtype=torch.float32)
            moved = random_weights(weights, torch.Generator().manual_seed(own))
            marks.append({**mark, "weights": moved.tolist()})
    work.save_json("marks", marks)
    return {"marked_images": len(marks)}
