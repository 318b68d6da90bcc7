"""Stage: what people have marked so far, by the content of the images."""

from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from feedback.channels.saliency_grid import CellMarks, read_marks
from tasks.channels.saliency_grid.bank import Bank, entries_of
from tasks.channels.saliency_grid.basis import Basis, load_fitted
from tasks.stage import StageResult, Work, stage

if TYPE_CHECKING:
    from torch import Tensor


@task(name="bank-feedback", cache_policy=NO_CACHE)
@stage("bank_feedback", version=1)
def bank_feedback(
    work: Work,
    *,
    basis: Basis,
    before: StageResult | None,
    responses: list[JsonValue],
    max_area: float,
) -> dict[str, JsonValue]:
    """Add accepted marks to those of earlier rounds, and doubt those that nobody would give.

    A later answer on an image takes the place of an earlier one.

    Args:
        work: What the stage may touch.
        basis: What was computed before.
        before: The bank so far; None for an empty one.
        responses: Accepted responses as JSON.
        max_area: Marking more of an image than this is doubted.

    Returns:
        Counts of images, clicks of this run, flags and doubts; outputs as of ``Bank``.
    """
    from models.saliency_grid.suspicion import suspicions

    images, digests = load_fitted(work, basis)
    row_of = {digest: row for row, digest in enumerate(digests)}
    bank = Bank.load(work, before)
    clicks, unknown = (_so_far(before, fact) for fact in ("clicks", "unknown_images"))
    for answer in read_marks([one for one in responses if isinstance(one, dict)]):
        row = row_of.get(answer.image)
        if row is None:
            # No longer in the dataset, or carved out: there is nothing to train on.
            unknown += 1
            continue
        clicks += len(answer.cells)
        mask = None if images.masks is None else images.masks[row]
        bank.take(
            answer,
            name=images.names[row],
            weights=cell_weights(answer).tolist(),
            doubts=suspicions(answer, max_area=max_area, mask=mask),
        )
    return {**bank.save(work), "clicks": clicks, "unknown_images": unknown}


def load_marks(work: Work, bank: StageResult) -> list[JsonValue]:
    """Return the marked images of a bank."""
    return [*entries_of(work, bank, "marks")]


def cell_weights(answer: CellMarks) -> "Tensor":
    """Return the weights of all cells of an answer's grid (G, G), float32; 0 where unmarked."""
    import torch

    weights = torch.zeros(answer.grid.g, answer.grid.g)
    for cell in answer.cells:
        weights[cell.r, cell.c] = cell.w
    return weights


def _so_far(before: StageResult | None, fact: str) -> int:
    return int(before.number(fact)) if before is not None else 0
